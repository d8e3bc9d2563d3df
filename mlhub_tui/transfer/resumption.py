"""Resumption of one file: what of it is on this disk, and from where its download continues."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from enum import Enum, auto
from functools import partial
from pathlib import Path

from .. import errors
from ..concurrency import in_thread_to_end, stoppable_in_thread
from ..content import ContentKind, recognise
from ..fileio import translate_os_error
from ..http.client import HTTPClient
from ..http.credentials import CookieJar, Link
from ..http.errors import DEFAULT_TIMEOUTS, ConnectionLost, Timeouts
from ..http.exchange import PEEK
from ..http.representation import codings, is_ambiguous, is_page, parse_content_range, raise_for_response
from ..http.response import Response
from ..http.urls import address, host_label
from ..http.versions import RemoteVersion, remote_version, version_difference
from ..text import sizes
from . import content_checks
from .config import DownloadSpec, Expected, TransferContext
from .part_file import PartRecord, RestartRequired, drop_second_name, inode, merge, prefix

_SAMPLE = 1024  # bytes at each end that are compared before a file is taken over
# Answers to HEAD that a GET would get too; any other one may be to HEAD alone.
_OF_GET_TOO = frozenset({200, 202, 206, 407, 429, 503, 511})


def validate_range(response: Response, version: RemoteVersion, first: int) -> int:
    """Return where a 206 ends (one after its last byte); it may be shorter than was asked for.

    Raises RestartRequired unless it is the range that was asked for, of the version that is recorded.
    """
    span = parse_content_range(response.headers.get("content-range"))
    if span is None or span.first != first or span.last is None:
        raise RestartRequired("the server sent another range")
    if response.content_length not in (None, span.last - span.first + 1):
        raise RestartRequired("the range and its length do not agree")
    if why := version_difference(version, remote_version(response)):
        raise RestartRequired(why)
    return span.last + 1


class Existing(Enum):
    """What a file under the final name is to a download."""

    NONE = auto()  # nothing is there, or what was there became the part of the download
    WHOLE = auto()  # the file itself
    OTHER = auto()  # something that a server once sent in its place: it is replaced by the whole file
    UNKNOWN = auto()  # only the whole file can tell: the server sends it in another form


class Resumption:
    """What of a file is on disk, compared with what its server has.

    - `cookies`: Those of its download; the server may set more.
    """

    def __init__(self, spec: DownloadSpec, context: TransferContext, cookies: CookieJar) -> None:
        self._spec, self._name, self._journal = spec, spec.target.name, context.journal
        self.url = address(spec.link.url)
        link, client, timeouts = spec.link, context.client, context.config.timeouts
        self._fetch = partial(
            client.fetch, credentials=link.credentials, cookies=cookies, timeouts=timeouts, decode=False
        )
        self._head = partial(_fetch_head, client, link, spec.expected, cookies=cookies, timeouts=timeouts)

    async def examine(self) -> Existing:
        """Return what the file under the final name is; one that is half done becomes the part.

        The rule of radiant_mlhub for `resume` compares sizes. A smaller file may be what another tool (curl,
        wget, radiant_mlhub) left half done: it is taken over if its first and last KB are the server's.
        FileConflict if it is larger, or smaller and something else.
        """
        spec, target, part, name = self._spec, self._spec.target, self._spec.part, self._name
        expected = spec.expected
        try:
            status = target.stat()
        except FileNotFoundError:
            return Existing.NONE
        size = status.st_size
        if await in_thread_to_end(lambda: content_checks.is_other(expected, target)):
            return Existing.OTHER
        version, ambiguous = await self._head()
        if version.total is None:
            return await self._examine_unsized(size)
        if size == version.total:
            if not await self._may_be_whole(size):
                return Existing.OTHER
            drop_second_name(part, status)
            return Existing.WHOLE
        apart = "{} here, {} on the server".format(*sizes(size, version.total))
        if size > version.total and ambiguous:
            return Existing.UNKNOWN
        if size > version.total:
            raise errors.FileConflict(f"a larger file {name} is there ({apart})")
        if part.exists():
            raise errors.FileConflict(f"a file {name} is there beside the part of this download ({apart})")
        if not version.is_identifiable or not await self._sample_matches(target, size, version):
            if not await self._may_be_whole(size):
                return Existing.OTHER
            if ambiguous:
                return Existing.UNKNOWN
            raise errors.FileConflict(f"another file {name} is there ({apart})")
        await in_thread_to_end(lambda: self._take_over(status, version))
        return Existing.NONE

    async def _examine_unsized(self, size: int) -> Existing:
        """Return what a file of so many bytes is whose size the server does not tell."""
        expected = self._spec.expected
        if size == expected.size:
            return Existing.WHOLE
        # An encoded form that was stored as it came.
        start = content_checks.beginning(self._spec.target)
        encoded = not expected.gzip and recognise(start) is ContentKind.GZIP
        return Existing.OTHER if encoded or not await self._may_be_whole(size) else Existing.UNKNOWN

    def _take_over(self, status: os.stat_result, version: RemoteVersion) -> None:
        """Make the file under the final name the part of this download; blocks."""
        part = self._spec.part
        try:
            self._spec.target.rename(part)
        except OSError as error:
            raise translate_os_error(error, part) from error
        self._journal.begin(part, PartRecord(self.url, version, synced=status.st_size, inode=inode(status)))

    async def _may_be_whole(self, size: int) -> bool:
        """Return whether an archive of another size than announced is whole; any other file may be."""
        expected, target = self._spec.expected, self._spec.target
        if not expected.archive or expected.size is None or size == expected.size:
            return True
        try:
            await stoppable_in_thread(lambda stop: content_checks.check_whole(expected, target, stop))
        except (errors.VerificationFailed, errors.UnexpectedAnswer):
            return False
        return True

    async def resume_point(self) -> PartRecord | None:
        """Return the record to continue from, corrected by what is really there; None to begin."""
        part = self._spec.part
        try:
            status = part.stat()
        except FileNotFoundError:
            return None
        record = await in_thread_to_end(lambda: self._journal.load(part))
        if record is None or record.inode != inode(status):
            record = await self._adopt(status)
        if record is None or record.version.total is None or not record.version.is_identifiable:
            return None
        if record.url != self.url and not record.version.etag:
            return None
        size = min(status.st_size, record.version.total)
        there = merge((start, min(end, size)) for start, end in record.extents)
        return replace(record, synced=prefix(there), more=there) if there else None

    async def _adopt(self, status: os.stat_result) -> PartRecord | None:
        """Take over a part without a record (a lost database), if it agrees with the server's file."""
        part, size = self._spec.part, status.st_size
        if size == 0:
            return None
        version, _ = await self._head()
        fits = version.is_identifiable and version.total is not None and size <= version.total
        if not fits or not await self._sample_matches(part, size, version):
            return None
        record = PartRecord(self.url, version, synced=size, inode=inode(status))
        return await in_thread_to_end(lambda: self._journal.begin(part, record))

    async def _sample_matches(self, path: Path, size: int, version: RemoteVersion) -> bool:
        """Return whether the first and the last KB of a local file are the server's at the same places."""
        for start in sorted({0, max(0, size - _SAMPLE)}):
            ours = await in_thread_to_end(lambda start=start: content_checks.piece(path, start, _SAMPLE))  # type: ignore[misc]
            last = start + len(ours) - 1
            headers = {**self._spec.link.headers, "Range": f"bytes={start}-{last}"}
            response, body = await self._fetch("GET", self._spec.link.url, limit=len(ours), headers=headers)
            span = parse_content_range(response.headers.get("content-range"))
            if response.status != 206 or span is None or (span.first, span.last) != (start, last):
                return False
            if version_difference(version, remote_version(response)) or body != ours:
                return False
        return True


async def fetch_version(
    client: HTTPClient,
    link: Link,
    expected: Expected,
    *,
    cookies: CookieJar | None = None,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
) -> RemoteVersion:
    """Return the version of a file on the server; without a size where that would be of an encoded form.

    RequestError if there is no good response.
    """
    return (await _fetch_head(client, link, expected, cookies=cookies, timeouts=timeouts))[0]


def head_tells(response: Response, expected: Expected) -> bool:
    """Return whether a response to HEAD is what one to GET would be.

    A link may be signed for GET only, a script answer HEAD with an error or without a size, and label all
    that it sends as a web page.
    """
    if response.status != 200:
        return response.status in _OF_GET_TOO
    return response.content_length != 0 and (expected.page or not is_page(response.headers))


async def _fetch_head(
    client: HTTPClient, link: Link, expected: Expected, *, cookies: CookieJar | None, timeouts: Timeouts
) -> tuple[RemoteVersion, bool]:
    """Return the version of a file, and whether it may yet be that of an encoded form.

    Where the response to HEAD does not tell, or none comes, the first bytes are requested.
    """
    fetch = partial(
        client.fetch, credentials=link.credentials, cookies=cookies, timeouts=timeouts, decode=False
    )
    response: Response | None = None
    body = b""
    with suppress(ConnectionLost):
        response, body = await fetch("HEAD", link.url, limit=0, headers=link.headers)
    if response is None or not head_tells(response, expected):
        headers = {**link.headers, "Range": f"bytes=0-{PEEK - 1}"}
        response, body = await fetch("GET", link.url, limit=PEEK, headers=headers)
    version, found = remote_version(response), codings(response.headers)
    if response.status != 416 or version.total != 0:  # which is how the start of an empty file is refused
        raise_for_response(response, expected.name, page=True, body=body, hidden=link.hidden)
    media_type = response.headers.get("content-type", "")
    if content_checks.contradiction(expected, body, version.total, media_type) is ContentKind.PAGE:
        place, url = host_label(response.url), address(response.url)
        raise content_checks.refused(expected, ContentKind.PAGE, body, version.total, place=place, url=url)
    ambiguous = is_ambiguous(found, expected.name) and expected.size in (None, version.total)
    if found and not ambiguous:
        version = replace(version, total=None, checksums=())
    return version, ambiguous
