"""Pieces of a file: the request for one, and whether an answer is the piece that was asked for."""

from __future__ import annotations

import httpx

from . import probe
from .answer import Remote, content_range, difference, length, remote
from .body import Body
from .part import Part


class StartOver(Exception):
    """What is there cannot be gone on with; the message says why."""


def headers(version: Remote, first: int, last: int) -> dict[str, str]:
    """Return the headers that ask for bytes `first` to `last` (closed, for old stores) of a version."""
    asked = {"Range": f"bytes={first}-{last}"}
    if version.strong and version.etag:
        asked["If-Range"] = version.etag
    return asked


def check(response: httpx.Response, version: Remote, first: int) -> int:
    """Return where a 206 ends (one after its last byte).

    Raises
    ------
    StartOver
        Unless it is the piece that was asked for, of the version that is recorded.
    """
    span = content_range(response.headers.get("content-range"))
    if span is None or span.first != first or span.last is None:
        raise StartOver("the server sent another range")
    carried = length(response.headers)
    if carried is not None and carried != span.last - span.first + 1:
        raise StartOver("the range and its length do not agree")
    if why := difference(version, remote(response.status_code, response.headers)):
        raise StartOver(why)
    return span.last + 1


def compare(body: Body, part: Part, start: int, count: int, patience: float) -> None:
    """Read `count` bytes before `start`, which are there already, and compare: validators have lied before.

    Raises
    ------
    StartOver
        If they are others.
    """
    if probe.read(body, count, patience) != part.read(start - count, count):
        raise StartOver("the bytes before the resume point are others")
