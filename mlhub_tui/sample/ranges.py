"""What a conditional or partial request asks for (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

_RANGE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to `stop`, which is not included."""

    start: int
    stop: int


class Unsatisfiable(Exception):
    """No byte of the range is in the representation."""


def requested_range(value: str | None, size: int) -> ByteRange | None:
    """Return the bytes that a `Range` header asks for, clamped to `size`; None means all of them.

    A header that is malformed or asks for several ranges may be ignored (section 14.2), and is.

    Raises
    ------
    Unsatisfiable
        Where the range starts behind the last byte (section 15.5.17).
    """
    match = _RANGE.fullmatch(value or "")
    if match is None or match.group(1, 2) == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
        if int(last) == 0:
            raise Unsatisfiable
    else:
        start, stop = int(first), int(last) + 1 if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise Unsatisfiable
    return ByteRange(start, min(stop, size))


def range_still_holds(if_range: str | None, etag: str, modified: str) -> bool:
    """Return whether `If-Range` allows a part: strong comparison, or the very same date (section 13.1.5)."""
    return if_range is None or if_range.strip() in (etag, modified)


def failed_condition(headers: Mapping[str, str], etag: str, modified: str) -> int | None:
    """Return 304 or 412 where a precondition says so, in the order of section 13.2.2; None to go on."""
    if "if-match" in headers:
        if not _names(headers["if-match"], etag):
            return 412
    elif _later(modified, headers.get("if-unmodified-since")):
        return 412
    if "if-none-match" in headers:
        if _names(headers["if-none-match"].replace("W/", ""), etag):
            return 304
    elif "if-modified-since" in headers and _later(modified, headers["if-modified-since"]) is False:
        return 304
    return None


def _names(value: str, etag: str) -> bool:
    return value.strip() == "*" or etag in (part.strip() for part in value.split(","))


def _later(modified: str, than: str | None) -> bool | None:
    moment = None if than is None else _date(than)
    return None if moment is None else parsedate_to_datetime(modified) > moment


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
