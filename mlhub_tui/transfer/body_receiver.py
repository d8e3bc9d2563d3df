"""Reception of one small file: its body on the way to the output, verified by all that is known of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from .. import errors, text
from ..http.connection import BodySink, Response
from ..http.decoding import BodyCollector, codings
from ..http.errors import BodyNotWanted, ConnectionLost
from ..http.response_headers import Checksum, checksums
from ..http.urls import host_label
from . import content_checks
from .checksums import compare, new_hash, verifiable
from .config import BatchConfig, TransferContext
from .limits import Throttle
from .outputs import FileTask, OutputBackend, OutputFile
from .work_source import BatchStats

_ERROR_BODY = 64 << 10  # bytes of an error's body that are read to keep the connection


class BodyReceiver:
    """Sink of one response: into the output's file, or into memory where only the whole can be judged.

    Attributes
    ----------
    response
        Its head; None before there is one.
    file
        What the body is written to, once it is.
    collector
        The body in memory: of an error, in a content coding, or to be compared with a file that is there.
    """

    def __init__(
        self,
        task: FileTask,
        output: OutputBackend,
        context: TransferContext,
        config: BatchConfig,
        stats: BatchStats,
    ) -> None:
        self.response: Response | None = None
        self.file: OutputFile | None = None
        self.collector: BodyCollector | None = None
        self.start = b""
        self._task, self._output, self._stats = task, output, stats
        self._bandwidth, self._max_small = context.limits.bandwidth, config.max_small
        self._known: list[Checksum] = []
        self._hashes: list[Any] = []
        self._throttle: Throttle | None = None

    def open(self, response: Response) -> BodySink:
        """Return where the body goes; BodyNotWanted if it is too large for a slot."""
        self.response = response
        task, length = self._task, response.content_length
        if response.status != 200 or response.method == "HEAD":
            self.collector = BodyCollector(_ERROR_BODY)
            return self.collector
        if (length or 0) > self._max_small:
            raise BodyNotWanted
        if self._bandwidth.rate is not None:
            self._throttle = Throttle(self._bandwidth, response)
        whole = self.framed or not task.request.expected.gzip
        if not whole or task.existing is not None or "content-encoding" in response.headers:
            self.collector = BodyCollector(self._max_small)
        else:
            self._begin(checksums(response.headers))
        return self

    @property
    def framed(self) -> bool:
        """Whether the end of the body can be told from the end of the connection."""
        assert self.response is not None
        return self.response.content_length is not None or "transfer-encoding" in self.response.headers

    def write(self, view: memoryview, /) -> None:
        """Take bytes of the body."""
        self._stats.heard = time.monotonic()
        if self.collector is not None:
            self.collector.write(view)
        else:
            self._write(view)
        if self._throttle is not None:
            self._throttle.consume(len(view))

    def discard(self) -> None:
        """Remove what was written."""
        if self.file is not None:
            self.file.discard()
            self.file = None

    def write_collected(self, body: bytes | bytearray, sent: bytes | bytearray) -> None:
        """Write a body that was collected, after what was `sent` in a content coding was verified."""
        assert self.response is not None
        announced, wanted = checksums(self.response.headers), self._task.request.checksums
        if sent is not body:
            _verify(announced, sent)
            try:
                _verify(wanted, body)
            except errors.VerificationFailed:
                _verify(wanted, sent)  # the document may tell of the file as it is stored
            self._known = []
            self.file = self._output.create(self._task)
        else:
            self._begin(announced)
        self._write(memoryview(body))

    def finish(self) -> OutputFile:
        """Return the file that was written, verified by all that is known of it.

        Raises
        ------
        VerificationFailed
            If a checksum differs.
        UnexpectedAnswer
            If it is something else, as a document that tells of an error.
        ServerUnreachable
            If it is short of the size that is known, where the server tells none.
        """
        task, response, file = self._task, self.response, self.file
        assert response is not None
        assert file is not None
        request, size = task.request, file.size
        expected, media_type = request.expected, response.headers.get("content-type", "")
        if kind := content_checks.contradiction(expected, self.start, size, media_type):
            raise content_checks.refused(expected, kind, self.start, size, place=host_label(response.url))
        if self._known:
            compare(self._known, self._hashes)
        if not response.complete:
            raise ConnectionLost("the connection ended without the end of the file")
        short = request.size is not None and size < request.size
        if short and not self.framed and not codings(response.headers):
            words = f"{text.size(size)} of {text.size(request.size or 0)} came before the connection ended"
            hint = "the server announces no length: retry starts over"
            raise errors.ServerUnreachable(words, hint=hint)
        return file

    def _begin(self, announced: Sequence[Checksum]) -> None:
        self._known = list(verifiable((*announced, *self._task.request.checksums)))
        self._hashes = [new_hash(each.algorithm) for each in self._known]
        self.file = self._output.create(self._task)

    def _write(self, view: memoryview) -> None:
        assert self.file is not None
        if len(self.start) < content_checks.START:
            self.start += bytes(view[: content_checks.START - len(self.start)])
        for each in self._hashes:
            each.update(view)
        self.file.write(view)


def _verify(known: Sequence[Checksum], body: bytes | bytearray) -> None:
    if found := verifiable(known):
        hashes = [new_hash(each.algorithm) for each in found]
        for each in hashes:
            each.update(memoryview(body))
        compare(found, hashes)
