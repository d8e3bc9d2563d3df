"""Small questions to a server: how big is it, which version, and do these bytes agree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx

from ..content_checks import Expected
from ..content_coding import codings, is_ambiguous
from ..tuning import Tuning
from .answer import Remote, content_range, difference, remote
from .body import Body
from .wire import Wire, refuse

_SAMPLE = 1024  # bytes at each end that are compared before a file is taken over
_NO_HEAD = frozenset({400, 403, 405, 501})


def head(wire: Wire, expected: Expected) -> Remote:
    """Return what the server says of the file; no size where it would be that of an encoded form.

    A store may refuse HEAD (a link signed for GET only): then one byte is asked for.

    Raises
    ------
    RequestError
        If there is no good answer.
    """
    with wire.ask("HEAD", {}) as response:
        if response.status_code not in _NO_HEAD:
            refuse(response, expected.name, page=wire.page)
            return _decoded(remote(response.status_code, response.headers, head=True), response, expected)
    with wire.ask("GET", {"Range": "bytes=0-0"}) as response:
        refuse(response, expected.name, page=wire.page)
        return _decoded(remote(response.status_code, response.headers), response, expected)


def _decoded(version: Remote, response: httpx.Response, expected: Expected) -> Remote:
    found = codings(response.headers)
    if not found:
        return version
    if is_ambiguous(found, expected) and expected.size in (None, version.total):
        return version
    return replace(version, total=None, digests=())


def agrees(wire: Wire, path: Path, size: int, version: Remote, tuning: Tuning) -> bool:
    """Return whether the first and the last KB of a local file are the server's at the same places."""
    if size == 0:
        return True
    with path.open("rb") as file:
        for start in {0, max(0, size - _SAMPLE)}:
            file.seek(start)
            ours = file.read(_SAMPLE)
            if _piece(wire, start, len(ours), version, tuning) != ours:
                return False
    return True


def _piece(wire: Wire, start: int, count: int, version: Remote, tuning: Tuning) -> bytes | None:
    """Return bytes of the file as the server has them, None where it does not give a part of that version."""
    last = start + count - 1
    with wire.ask("GET", {"Range": f"bytes={start}-{last}"}) as response:
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            return None
        span = content_range(response.headers.get("content-range"))
        if span is None or (span.first, span.last) != (start, last):
            return None
        if difference(version, remote(response.status_code, response.headers)):
            return None
        return read(Body(response, wire, tuning.tick), count, tuning.stall)


def read(body: Body, count: int, patience: float) -> bytes:
    """Return so many bytes of a body, fewer if it ends; `patience` is seconds without any."""
    buffer = bytearray(count)
    view, at = memoryview(buffer), 0
    while at < count:
        got = body.read_within(view[at:], patience)
        if got == 0:
            break
        at += got
    return bytes(view[:at])
