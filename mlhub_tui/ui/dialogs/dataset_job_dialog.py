"""All about the job of a dataset: how far it is, what was asked for, and the list of its files."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from ...errors import MLHubException
from ...planning.manifest import FileStatus, ManifestEntry
from ...planning.requests import DatasetRequest
from ...queue.job import Job
from ...text import one_line, redact
from ..context import QueueChanged
from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog
from ..transfers.file_list import FileList, FilePages, FileQuery
from ..transfers.job_detail import dataset_blocks, speed_words
from ..transfers.job_order import HISTORY_LENGTH
from ..widgets.detail_view import NAME_WIDTH, typeset
from ..widgets.form import ChoiceField, FormRow
from .job_dialog import JobLogScreen

if TYPE_CHECKING:
    from ..context import AppContext


_FATES = {"failed": FileStatus.FAILED, "wanted": FileStatus.WANTED, "done": FileStatus.DONE, "all": None}
_EVERY = 1.0
_RARELY = 20  # times what a look costs, before the next one


class DatasetJobScreen(Dialog[None]):
    """Shows the job and its files; `f` filters, `r` tries the failed ones again, `L` shows the log."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", "close", show=False),
        Binding("f,right,l", "step(1)", "filter", show=False),
        Binding("left,h", "step(-1)", "filter", show=False),
        Binding("r", "retry", "retry failed", show=False),
        Binding("y", "copy_path", "copy path", show=False),
        Binding("L", "log", "log", show=False),
    ]
    CSS = """
    DatasetJobScreen > .dialog { width: 100; max-width: 98%; height: 94%; padding: 0 1; }
    DatasetJobScreen #facts { height: auto; max-height: 50%; }
    DatasetJobScreen .row { height: 1; }
    DatasetJobScreen ChoiceField { background: $surface; }
    DatasetJobScreen #note { height: 2; color: $warning; }
    """
    AUTO_FOCUS = "FileList"

    def __init__(self, job: Job) -> None:
        super().__init__()
        assert isinstance(job.request, DatasetRequest)
        self._job, self._request = job, job.request
        self._files = FilePages(job.request)
        self._look: FileQuery | None = None
        self._due = 0.0
        self._facts, self._note = Static(id="facts"), Static(id="note")
        self._choice, self._list = ChoiceField(list(_FATES), id="fate"), FileList()

    def compose(self) -> ComposeResult:
        """Lay out facts, filter and list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line("Dataset")
            dialog.border_subtitle = line("f filters, r retries, L log, y path, esc closes")
            yield self._facts
            yield FormRow("Files", self._choice)
            yield self._list
            yield self._note

    def on_mount(self) -> None:
        """Show the failed files where there are some, else all."""
        self._choice.can_focus = False
        self._choice.choose("failed" if self._job.files_failed else "all")
        self._show()
        self._read(reset=True)
        self.set_interval(_EVERY, self._again)

    def on_resize(self) -> None:
        """Fit the facts to the new width."""
        self._show()

    def on_queue_changed(self, message: QueueChanged) -> None:
        """Show what changed."""
        message.stop()
        known = {job.id: job for job in cast("AppContext", self.app).jobs}
        self._job = known.get(self._job.id, self._job)
        self._show()

    def _show(self) -> None:
        width = min(max(self.size.width * 98 // 100, 20), 100) - 4
        speeds = cast("AppContext", self.app).transfers.rates.of(self._job.id).last(HISTORY_LENGTH)
        speed = speed_words(self._job, speeds, width - NAME_WIDTH)
        self._facts.update(typeset(dataset_blocks(self._job, speed), width))

    # Files

    @property
    def _fate(self) -> FileStatus | None:
        return _FATES[self._choice.value]

    def _again(self) -> None:
        """Look again while the job is at work, and once after it has ended."""
        if time.monotonic() >= self._due and (self._job.state.running or self._is_behind):
            self._read(reset=False)

    @property
    def _is_behind(self) -> bool:
        look = self._look
        if look is None:
            return True
        known = (look.standing.done, look.standing.failed)
        return self._job.files_total is not None and known != (self._job.files_done, self._job.files_failed)

    @work(group="files", exclusive=True)
    async def _read(self, *, reset: bool) -> None:
        began = time.monotonic()
        try:
            look = await self._files.look(self._fate)
            pages = {} if reset else {n: await self._files.page(look, n) for n in self._in_sight}
        except MLHubException as error:
            self._say(f"! {error.message}")
            return
        ended = time.monotonic()
        self._look, self._due = look, ended + _RARELY * (ended - began)
        self._list.show(look.count, reset=reset)
        for number, entries in pages.items():
            self._list.fill(number, entries)
        self._explain()

    @property
    def _in_sight(self) -> list[int]:
        return self._list.cached_pages[-2:]

    @on(FileList.Wanted)
    def _wanted(self, message: FileList.Wanted) -> None:
        message.stop()
        self._load(message.page)

    @work(group="page")
    async def _load(self, number: int) -> None:
        look = self._look
        if look is None:
            return
        try:
            entries = await self._files.page(look, number)
        except MLHubException as error:
            self._say(f"! {error.message}")
            return
        if look.fate is self._fate:
            self._list.fill(number, entries)
            self._explain()

    @on(FileList.Moved)
    def _moved(self, message: FileList.Moved) -> None:
        message.stop()
        self._explain()

    @on(ChoiceField.Changed)
    def _filtered(self, message: ChoiceField.Changed) -> None:
        message.stop()
        if self._look is not None:
            self._read(reset=True)

    def _explain(self) -> None:
        """Say why the file under the cursor failed, and where its bytes are."""
        entry = self._current
        if entry is None:
            nothing = self._look is not None and self._look.count == 0
            self._say("no such files" if nothing else "")
        elif entry.status is FileStatus.FAILED:
            self._say(f"{entry.error}: {entry.hint}" if entry.hint else entry.error)
        else:
            self._say(redact(entry.file.href))

    def _say(self, words: str) -> None:
        self._note.update(content(one_line(words, 300)))

    @property
    def _current(self) -> ManifestEntry | None:
        return self._list.current

    # Keys

    def action_step(self, step: int) -> None:
        """Show files of another kind."""
        self._choice.action_step(step)

    @work(group="retry", exclusive=True)
    async def action_retry(self) -> None:
        """Fetch those again that failed."""
        app = cast("AppContext", self.app)
        if app.queue is None or not self._job.state.finished:
            self._say("it is at work: what failed is tried again when it is done")
            return
        try:
            await app.queue.retry(self._job.id)
        except MLHubException as error:
            app.report(error)

    def action_log(self) -> None:
        """Show what happened to the job."""
        self.app.push_screen(JobLogScreen(self._job))

    def action_copy_path(self) -> None:
        """Copy the path of the file under the cursor, or of the dataset's folder."""
        request, entry = self._request, self._current
        parts = [] if entry is None else entry.file.path.split("/")
        there = str(request.asset_folder.joinpath(*parts))
        path = "/".join([request.asset_place, *parts]) if request.url else there
        cast("AppContext", self.app).copy_text(path, "Path")

    async def on_unmount(self) -> None:
        """Close the list."""
        await self._files.close()
