"""Fetching an archive from a server into the cache, once; afterwards the server only says if it changed."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from ...errors import NoSpaceError, ServerError, ServerTimeout, ServerUnreachable
from ...http.errors import may_pass
from ...http.hrefs import shown
from ...storage import make_private_folder, write_atomic
from ...text import duration, size
from .archive import Progress
from .archive_index import folder, shrink

if TYPE_CHECKING:
    import httpx

    from ...http.session import Session

_AT_ONCE = 1 << 20  # bytes to write
_TRIES = 5  # in a row without a byte in between
_VALIDATORS = (("etag", "If-None-Match"), ("modified", "If-Modified-Since"))
_PASSING = (ServerUnreachable, ServerTimeout, ServerError)


@dataclass(frozen=True, slots=True)
class Local:
    """An archive of a server as it lies in the cache.

    Parameters
    ----------
    path
        Where it is.
    notes
        That it may be old, where the server could not be asked.
    """

    path: Path
    notes: tuple[str, ...] = ()


async def fetch_archive(
    session: Session,
    url: str,
    *,
    where: Path | None = None,
    progress: Progress | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Local:
    """Return the archive at a URL as a local file.

    Parameters
    ----------
    where
        The folder to keep it in; by default that of the indexes in MLHUB_HOME.
    progress
        Told bytes done and in all.
    sleep
        Waits seconds before the next try.

    Raises
    ------
    RequestError
        If it cannot be fetched and is not in the cache.
    NoSpaceError
        If the disk has no room for it.
    """
    where = where or folder()
    part = "secret" if session.secret is not None and session.is_own(url) else "public"
    name = hashlib.sha256(f"{part} {session.bare(url)}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    path, record = where / f"{name}.tar", where / f"{name}.json"
    known = await asyncio.to_thread(_known, path, record)
    await asyncio.to_thread(_prepare, where)
    with _Fetch(where / f"{name}.{os.getpid()}-{os.urandom(4).hex()}.part", url, known, progress) as fetch:
        try:
            await _run(fetch, session, sleep)
        except _PASSING:
            if not known:
                raise
            age = duration(max(time.time() - float(known["checked"] or 0), 0.0)) or "0 s"
            return Local(path, (f"offline: as of {age} ago",))
        await asyncio.to_thread(fetch.keep, path)
    await asyncio.to_thread(_remember, record, fetch.validators)
    await asyncio.to_thread(shrink, where, keep=path)
    return Local(path)


async def _run(fetch: _Fetch, session: Session, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Fetch until all is there; a connection that breaks is taken up again where the server can."""
    failures = 0
    while True:
        before = fetch.done
        try:
            async with session.stream(fetch.url, headers=fetch.headers()) as response:
                await fetch.take(response)
            return
        except _PASSING as error:
            failures = 1 if fetch.done > before else failures + 1
            if not fetch.done or failures >= _TRIES or not may_pass(error):
                raise
        await sleep(0.2 * 2**failures)


class _Fetch:
    """One fetching into a temporary file, which is removed unless it is kept."""

    def __init__(
        self, temporary: Path, url: str, known: Mapping[str, str], progress: Progress | None
    ) -> None:
        self.url = url
        self.done = 0
        self.validators: dict[str, str] = dict(known)
        self._temporary = temporary
        self._known = known
        self._progress = progress
        self._whole: int | None = None
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink()

    def headers(self) -> dict[str, str]:
        """Return what to ask with: whether it changed, or for the rest of what came already."""
        plain = {"Accept-Encoding": "identity"}
        if not self.done:
            asked = {header: self._known[key] for key, header in _VALIDATORS if self._known.get(key)}
            return {**plain, **asked}
        etag = self.validators.get("etag", "")
        if not etag.startswith('"'):  # a weak validator does not tell bytes apart (RFC 9110, 13.1.5)
            return plain
        return {**plain, "Range": f"bytes={self.done}-", "If-Range": etag}

    async def take(self, response: httpx.Response) -> None:
        """Write the body of an answer."""
        if response.status_code == 304 and self._known:
            return
        goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {self.done}-")
        if response.status_code != 206 or not goes_on:
            await asyncio.to_thread(self._begin, response.headers)
        waiting = bytearray()
        try:
            async for piece in response.aiter_raw():
                waiting += piece
                if len(waiting) >= _AT_ONCE:
                    await asyncio.to_thread(self._write, bytes(waiting))
                    waiting.clear()
        finally:
            self._write(bytes(waiting))  # what came before the connection broke counts

    def keep(self, path: Path) -> None:
        """Put what was fetched in its place; nothing if the server said that it did not change."""
        if self._file is None:
            with contextlib.suppress(OSError):
                os.utime(path)
            return
        self._file.close()
        self._temporary.replace(path)

    def _begin(self, headers: Mapping[str, str]) -> None:
        """Start from the first byte."""
        self.validators = {"etag": headers.get("etag", ""), "modified": headers.get("last-modified", "")}
        length = headers.get("content-length", "")
        self._whole = int(length) if length.isdigit() else None
        self.done = 0
        free = shutil.disk_usage(self._temporary.parent).free
        if self._whole is not None and self._whole > free:
            has = f"{self._temporary.parent} has room for {size(free)}"
            raise NoSpaceError(f"the archive has {size(self._whole)}, {has}: {shown(self.url)}")
        if self._file is None:
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
            self._file = os.fdopen(os.open(self._temporary, flags, 0o600), "wb")
        self._file.seek(0)
        self._file.truncate()

    def _write(self, piece: bytes) -> None:
        assert self._file is not None
        self._file.write(piece)
        self.done += len(piece)
        if self._progress is not None:
            self._progress(self.done, self._whole)


def _prepare(where: Path) -> None:
    make_private_folder(where.parent)
    make_private_folder(where)


def _known(path: Path, record: Path) -> dict[str, str]:
    """Return what is recorded of an archive in the cache; empty where it is not there."""
    try:
        values = json.loads(record.read_bytes())
    except (OSError, ValueError):
        return {}
    if not path.is_file() or not isinstance(values, dict):
        return {}
    return {key: str(values.get(key, "")) for key in ("etag", "modified", "checked")}


def _remember(record: Path, validators: Mapping[str, str]) -> None:
    write_atomic(record, json.dumps({**validators, "checked": str(time.time())}))
