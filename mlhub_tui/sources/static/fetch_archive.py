"""Archives of servers downloaded into the cache, once; afterwards only a change is downloaded again."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import NoSpaceError, ServerError, ServerTimeout, ServerUnreachable
from ...http.errors import may_pass
from ...http.urls import shown
from ...storage import write_atomic
from ...text import duration, size
from .archive_index import folder, make_folder, shrink

if TYPE_CHECKING:
    import httpx

    from ...http.session import Session

_AT_ONCE = 1 << 20  # bytes to write
_TRIES = 5  # in a row without a byte in between
_TEMPORARY = (ServerUnreachable, ServerTimeout, ServerError)


async def fetch_archive(
    session: Session, url: str, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> tuple[Path, tuple[str, ...]]:
    """Return the archive at a URL as a local file, and a note where it may be old as the server is away.

    - `sleep`: Waits seconds before the next try.
    """
    part = "secret" if session.secret is not None and session.is_own(url) else "public"
    name = hashlib.sha256(f"{part} {session.bare(url)}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    path, record = folder() / f"{name}.tar", folder() / f"{name}.json"
    await asyncio.to_thread(make_folder)
    cached = _record(record) if path.is_file() else {}
    fetch = _Fetch(folder() / f"{name}.{os.getpid()}-{os.urandom(4).hex()}.part", url, cached)
    try:
        await fetch.run(session, sleep)
        if fetch.is_new:
            fetch.temporary.replace(path)
        await asyncio.to_thread(
            write_atomic, record, json.dumps({**fetch.validators, "checked": time.time()})
        )
    except _TEMPORARY:
        if not cached:
            raise
        age = duration(max(time.time() - float(cached.get("checked") or 0), 0.0)) or "0 s"
        return path, (f"offline: as of {age} ago",)
    finally:
        fetch.temporary.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        os.utime(path)
    await asyncio.to_thread(shrink, keep=path)
    return path, ()


def _record(path: Path) -> dict[str, str]:
    """Return what is recorded of an archive in the cache, empty where it cannot be read."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return {name: str(value) for name, value in values.items()} if isinstance(values, dict) else {}


class _Fetch:
    """One download into a temporary file; a connection that breaks is resumed where the server can."""

    def __init__(self, temporary: Path, url: str, cached: Mapping[str, str]) -> None:
        self.temporary = temporary
        self.is_new = False
        self.validators = {name: cached.get(name, "") for name in ("etag", "last-modified")}
        self._url = url
        self._done = 0

    async def run(self, session: Session, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Fetch until all is there, or it did not change."""
        failures = 0
        while True:
            before = self._done
            try:
                async with session.stream(self._url, headers=self._headers()) as response:
                    return await self._take(response)
            except _TEMPORARY as error:
                failures = 1 if self._done > before else failures + 1
                if not self._done or failures >= _TRIES or not may_pass(error):
                    raise
            await sleep(0.2 * 2**failures)

    def _headers(self) -> dict[str, str]:
        """Return what to send: whether it changed, or a range of what is missing."""
        etag = self.validators["etag"]
        sent = {"Accept-Encoding": "identity"}
        if not self._done:
            sent |= {"If-None-Match": etag, "If-Modified-Since": self.validators["last-modified"]}
        elif etag.startswith('"'):  # a weak validator does not tell bytes apart (RFC 9110, 13.1.5)
            sent |= {"Range": f"bytes={self._done}-", "If-Range": etag}
        return {name: value for name, value in sent.items() if value}

    async def _take(self, response: httpx.Response) -> None:
        """Write the body of a response; nothing of one that says that it did not change."""
        if response.status_code == 304 and not self.is_new:
            return
        resumed = response.headers.get("Content-Range", "").startswith(f"bytes {self._done}-")
        if response.status_code != 206 or not resumed:
            await asyncio.to_thread(self._begin, response.headers)
        pending = bytearray()
        try:
            async for piece in response.aiter_raw():
                pending += piece
                if len(pending) >= _AT_ONCE:
                    await asyncio.to_thread(self._write, bytes(pending))
                    pending.clear()
        finally:
            self._write(pending)  # what came before the connection broke counts

    def _begin(self, headers: Mapping[str, str]) -> None:
        """Start from the first byte."""
        self.validators = {name: headers.get(name, "") for name in self.validators}
        self._done, self.is_new = 0, True
        length, free = headers.get("content-length", ""), shutil.disk_usage(self.temporary.parent).free
        if length.isdigit() and int(length) > free:
            room = f"{self.temporary.parent} has room for {size(free)}"
            raise NoSpaceError(f"the archive has {size(int(length))}, {room}: {shown(self._url)}")
        self.temporary.touch(0o600)
        os.truncate(self.temporary, 0)

    def _write(self, piece: bytes | bytearray) -> None:
        with self.temporary.open("ab") as file:
            file.write(piece)
        self._done += len(piece)
