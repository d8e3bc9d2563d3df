"""Local folder as the output of a batch: part files that are flushed, renamed and recorded in groups.

On disk::

    NAME.part    the bytes of a file, locked by its writer, until its group is flushed
    NAME         the whole file, verified; recorded as done only once its name is safe on disk too
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import errors, text
from ..concurrency import in_thread_to_end, quickly
from ..errors import MLHubException, OutputFolderError
from ..fileio import absolute, check_regular, check_writable, max_open_files, sync_files, translate_os_error
from ..options import IfExists
from ..output import OutputTree
from . import content_checks
from .config import TransferContext, TransferProgress
from .part_file import PartFile
from .single_file import fetch_file
from .work_source import FileRequest, FileResult, FileTask, OutputCallbacks, OutputFile

_GROUP_FILES, _GROUP_BYTES, _GROUP_RESULTS = 256, 32 << 20, 1024
_GROUP_AGE = 0.5  # seconds after which a group is committed as it is


class _Part(PartFile):
    """The part of a file of the batch: written from its start to its end."""

    def __init__(self, task: FileTask) -> None:
        super().__init__(f"{task.target}.part", fresh=True)
        self.task, self.size = task, 0

    def write(self, view: memoryview, /) -> None:
        self.write_at(self.size, view)
        self.size += len(view)


@dataclass(slots=True)
class _Group:
    """Files and results that are committed together."""

    parts: list[_Part] = field(default_factory=list)
    results: list[FileResult] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    size: int = 0
    since: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.parts or self.results)


class LocalFolder:
    """Output backend of a folder of this machine; OutputFolderError if that cannot be written.

    Parts are flushed, renamed and recorded in groups. A flush makes safe the bytes of a group and the names
    of the group before; only then are the bytes given their names, and the files of the group before
    recorded. So one flush serves two ends, a name never stands for bytes that may be lost, and a record never
    for a name that may be.
    """

    def __init__(self, folder: Path) -> None:
        self._tree = OutputTree(absolute(folder))
        check_writable(self._tree.root)
        self._max_files = max_open_files(_GROUP_FILES)
        self._group = _Group()
        self._renamed: list[FileResult] = []
        self._folders: set[str] = set()
        self._commits: asyncio.Task[None] | None = None
        self._urgent = self._broken = False

    async def examine(self, requests: Sequence[FileRequest]) -> Sequence[FileTask | FileResult]:
        """Look at the files that are there."""
        return await quickly(self._examine, requests)

    def begin(self, settle: Callable[[Sequence[FileResult]], None], callbacks: OutputCallbacks) -> None:
        """Begin a run."""
        self._settle, self._callbacks = settle, callbacks

    @property
    def full(self) -> bool:
        """Whether a whole group waits for the one before it to be committed."""
        return self._commits is not None and self._is_complete()

    def create(self, task: FileTask) -> _Part:
        """Open the part of a file."""
        self._tree.make(task.target)
        try:
            return _Part(task)
        except OutputFolderError:  # somebody may have taken the folder away meanwhile
            self._tree.forget()
            self._tree.make(task.target)
            return _Part(task)

    def store(self, task: FileTask, file: OutputFile) -> None:
        """Have a part renamed and recorded with its group."""
        assert isinstance(file, _Part)
        if self._broken:
            return file.discard()
        group = self._add()
        group.parts.append(file)
        group.size += file.size
        return self._commit_if_due()

    def record(self, result: FileResult) -> None:
        """Have a result recorded with its group."""
        self._add().results.append(result)
        self._commit_if_due()

    def tick(self) -> None:
        """Commit what has waited long enough."""
        self._commit_if_due()

    def flush(self) -> None:
        """Commit without delay, and the names as well."""
        self._urgent = True
        self._commit_if_due()

    async def aclose(self) -> None:
        """Commit all that was handed over."""
        self.flush()
        while self._commits is not None:
            await asyncio.wait({self._commits})
            self._commit_if_due()

    async def fetch_single(
        self, task: FileTask, context: TransferContext, progress: TransferProgress
    ) -> FileResult:
        """Fetch it as any single file; its part stays when it is cancelled."""
        self._tree.make(task.target)  # no link on the way leads outside
        spec = task.spec(Path(task.target))
        result = await fetch_file(spec, context, progress, holds_slot=True)
        return FileResult(task.request.key, result.size, fetched=result.fetched)

    def _examine(self, request: FileRequest) -> FileTask | FileResult:
        """Return what is to be done for a request, by what stands under its name.

        radiant_mlhub's rule for `resume` compares sizes, here with the catalog's; only where these
        differ, or there is none, is the server asked.
        """
        try:
            target = self._tree.target(request.path)
            task = FileTask(request, target, request.link.origin, request.link)
            if self._tree.was_empty(target):
                return task
            try:
                status = os.stat(target)  # noqa: PTH116  (Path costs ten times as much, for each file)
            except (FileNotFoundError, NotADirectoryError):
                return task
            check_regular(target, status.st_mode)
            resumes, size = request.if_exists is IfExists.RESUME, status.st_size
            if request.if_exists is IfExists.SKIP or (resumes and size == request.size):
                return task.already_there(size)
            if resumes:
                task.replaces_other = content_checks.is_other(request.expected, Path(target))
                task.existing = None if task.replaces_other else size
            return task
        except MLHubException as error:
            return FileResult(request.key, error=error)
        except (OSError, ValueError) as error:
            words = f"{text.one_line(request.path, 160)}: {text.one_line(error, 160)}"
            return FileResult(request.key, error=OutputFolderError(words))

    def _add(self) -> _Group:
        if not self._group:
            self._group.since = time.monotonic()
        return self._group

    def _is_complete(self) -> bool:
        group = self._group
        return (
            len(group.parts) >= self._max_files
            or group.size >= _GROUP_BYTES
            or len(group.results) >= _GROUP_RESULTS
        )

    def _commit_if_due(self) -> None:
        """Commit a group that is complete or old, or the names of the last one; one at a time."""
        if self._commits is not None or not (self._group or self._renamed):
            return
        age = time.monotonic() - self._group.since
        if not self._urgent and not self._is_complete() and age < _GROUP_AGE:
            return
        group, self._group = self._group, _Group(since=time.monotonic())
        group.folders, self._tree.made = self._tree.made, set()
        self._commits = asyncio.create_task(self._commit(group))

    async def _commit(self, group: _Group) -> None:
        try:
            settled = await in_thread_to_end(lambda: self._flush(group))
            self._renamed = [*group.results, *await quickly(self._rename, group.parts)]
        except Exception as error:
            # Their bytes may not be safe, and their room may be needed.
            for part in group.parts:
                part.discard()
            if not self._broken:
                self._broken = True
                self._callbacks.broken(error)
        else:
            if settled:
                self._callbacks.settled(settled)
        self._commits = None
        self._callbacks.drained()
        if not self._group and not self._renamed:
            self._urgent = False
        self._commit_if_due()

    def _flush(self, group: _Group) -> list[FileResult]:
        """Flush a group, and record the group before; return what was recorded; blocks."""
        if self._broken:
            for part in group.parts:
                part.discard()
            group.parts, group.results, self._renamed = [], [], []
            return []
        self._folders |= group.folders
        if group.parts or self._folders:
            try:
                sync_files(self._tree.root, [part.descriptor for part in group.parts], self._folders)
            except OSError as error:
                raise translate_os_error(error, self._tree.root) from error
        self._folders = set()
        if self._renamed:
            self._settle(self._renamed)
        settled, self._renamed = self._renamed, []
        return settled

    def _rename(self, part: _Part) -> FileResult:
        task = part.task
        try:
            part.rename(task.target, overwrite=task.replaces)
            part.close()
        except FileExistsError:
            result = _appeared(part)
            part.discard()
            return result
        except OSError as error:
            part.discard()
            known = translate_os_error(error, Path(task.target))
            if isinstance(known, errors.NoSpaceError):
                raise known from error
            return task.failed(known)
        self._folders.add(task.target.rpartition(os.sep)[0])
        mtime: int | None
        try:
            mtime = os.stat(task.target).st_mtime_ns  # noqa: PTH116  (after its end: some servers set it then)
        except OSError:  # somebody removed it at once
            mtime = None
        return FileResult(task.request.key, part.size, mtime=mtime)


def _appeared(part: _Part) -> FileResult:
    """Return the result of a file whose name was taken meanwhile: another program may have fetched it."""
    task = part.task
    with contextlib.suppress(OSError):
        if part.is_same(task.target):
            return task.already_there(part.size)
        if task.request.if_exists is IfExists.SKIP and Path(task.target).is_file():
            return task.already_there(Path(task.target).stat().st_size)
    return task.failed(errors.FileConflict(f"a file {task.name} appeared meanwhile"))
