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
from ...storage import make_private_folder, write_atomic
from ...text import duration, size
from .archive_index import folder, shrink

if TYPE_CHECKING:
    import httpx

    from ...http.session import Session

_AT_ONCE = 1 << 20  # bytes to write
_TRIES = 5  # in a row without a byte in between
_TEMPORARY = (ServerUnreachable, ServerTimeout, ServerError)


async def fetch_archive(
    session: Session,
    url: str,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> tuple[Path, tuple[str, ...]]:
    """Return the archive at a URL as a local file, and a note where it may be old as the server is away.

    - `sleep`: Waits seconds before the next try.
    """
    part = "secret" if session.secret is not None and session.is_own(url) else "public"
    name = hashlib.sha256(f"{part} {session.bare(url)}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    path, record = folder() / f"{name}.tar", folder() / f"{name}.json"
    cached = await asyncio.to_thread(_cached, path, record)
    fetch = _Fetch(folder() / f"{name}.{os.getpid()}-{os.urandom(4).hex()}.part", url, cached)
    try:
        await _run(fetch, session, sleep)
        if fetch.is_new:
            fetch.temporary.replace(path)
        validators = {"etag": fetch.etag, "modified": fetch.modified, "checked": str(time.time())}
        await asyncio.to_thread(write_atomic, record, json.dumps(validators))
    except _TEMPORARY:
        if not cached:
            raise
        age = duration(max(time.time() - float(cached["checked"] or 0), 0.0)) or "0 s"
        return path, (f"offline: as of {age} ago",)
    finally:
        fetch.temporary.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        os.utime(path)
    await asyncio.to_thread(shrink, keep=path)
    return path, ()


async def _run(fetch: _Fetch, session: Session, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Fetch until all is there; a connection that breaks is resumed where the server can."""
    failures = 0
    while True:
        before = fetch.done
        try:
            async with session.stream(fetch.url, headers=fetch.headers()) as response:
                await fetch.take(response)
            return
        except _TEMPORARY as error:
            failures = 1 if fetch.done > before else failures + 1
            if not fetch.done or failures >= _TRIES or not may_pass(error):
                raise
        await sleep(0.2 * 2**failures)


class _Fetch:
    """One download into a temporary file."""

    def __init__(self, temporary: Path, url: str, cached: Mapping[str, str]) -> None:
        self.temporary = temporary
        self.url = url
        self.done = 0
        self.is_new = False
        self.etag, self.modified = cached.get("etag", ""), cached.get("modified", "")

    def headers(self) -> dict[str, str]:
        """Return what to send: whether it changed, or a range of what is missing."""
        asked = {"Accept-Encoding": "identity"}
        if self.done:
            if self.etag.startswith('"'):  # a weak validator does not tell bytes apart (RFC 9110, 13.1.5)
                asked |= {"Range": f"bytes={self.done}-", "If-Range": self.etag}
        elif self.etag or self.modified:
            validators = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
            asked |= {name: value for name, value in validators.items() if value}
        return asked

    async def take(self, response: httpx.Response) -> None:
        """Write the body of a response; nothing of one that says that it did not change."""
        if response.status_code == 304 and not self.is_new:
            return
        resumed = response.headers.get("Content-Range", "").startswith(f"bytes {self.done}-")
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
            self._write(bytes(pending))  # what came before the connection broke counts

    def _begin(self, headers: Mapping[str, str]) -> None:
        """Start from the first byte."""
        self.etag, self.modified = headers.get("etag", ""), headers.get("last-modified", "")
        length = headers.get("content-length", "")
        whole = int(length) if length.isdigit() else None
        self.done = 0
        self.is_new = True
        free = shutil.disk_usage(self.temporary.parent).free
        if whole is not None and whole > free:
            room = f"{self.temporary.parent} has room for {size(free)}"
            raise NoSpaceError(f"the archive has {size(whole)}, {room}: {shown(self.url)}")
        self.temporary.touch(0o600)
        os.truncate(self.temporary, 0)

    def _write(self, piece: bytes) -> None:
        with self.temporary.open("ab") as file:
            file.write(piece)
        self.done += len(piece)


def _cached(path: Path, record: Path) -> dict[str, str]:
    """Return what is recorded of an archive in the cache, empty where it is not there; make the folder."""
    make_private_folder(folder().parent)
    make_private_folder(folder())
    try:
        values = json.loads(record.read_bytes())
    except (OSError, ValueError):
        return {}
    if not path.is_file() or not isinstance(values, dict):
        return {}
    return {key: str(values.get(key, "")) for key in ("etag", "modified", "checked")}
