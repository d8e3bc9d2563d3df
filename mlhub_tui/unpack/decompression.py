"""The bytes of a tar archive, unpacked, in large pieces; every call blocks.

A thread of its own unpacks ahead: zlib works without the interpreter's lock, so that who reads the pieces
can parse at the same time.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from queue import Empty, Full, Queue
from typing import BinaryIO

from ..sources.static.archive import DamagedArchive, Progress

PIECE = 1 << 20
"""Bytes; smaller pieces cost switches between threads, larger ones memory."""
_READ = 1 << 17
_AHEAD = 4
_PATIENCE = 0.1  # seconds between two looks whether anybody still reads
_GZIP = 16 + zlib.MAX_WBITS


@contextmanager
def pieces(path: Path, progress: Progress | None = None) -> Iterator[Iterator[bytes]]:
    """Open an archive and give its unpacked bytes; whether it is gzip or a plain tar is seen by its start.

    `progress` gets how many bytes of the file are read. Reading raises DamagedArchive if the compressed
    data is corrupt or ends too early.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        source = _unpack(file, size, progress) if packed else _read(file, size, progress)
        with _ReadAhead(source) if packed else closing(source) as given:
            yield given


def _read(file: BinaryIO, size: int, progress: Progress | None) -> Generator[bytes, None, None]:
    done = 0
    while piece := file.read(PIECE):
        done += len(piece)
        if progress is not None:
            progress(done, size)
        yield piece


def _unpack(file: BinaryIO, size: int, progress: Progress | None) -> Generator[bytes, None, None]:
    """Unpack gzip (RFC 1952): members after each other; zeros that fill up the end are no data."""
    unpacker, begun = zlib.decompressobj(_GZIP), False
    while packed := file.read(_READ):
        while packed := packed if begun else packed.lstrip(b"\0"):
            begun = True
            try:
                piece = unpacker.decompress(packed, PIECE)
            except zlib.error as error:
                raise DamagedArchive(f"the archive is damaged ({error})") from None
            if piece:
                yield piece
            packed = unpacker.unconsumed_tail
            if unpacker.eof:
                packed = unpacker.unused_data
                unpacker, begun = zlib.decompressobj(_GZIP), False
        if progress is not None:
            progress(file.tell(), size)
    if begun:
        raise DamagedArchive("the archive ends too early: it is not whole")


class _ReadAhead:
    """Reads from an iterator in a thread, a few pieces ahead; leaving the block ends the thread."""

    def __init__(self, source: Generator[bytes, None, None]) -> None:
        self._source = source
        self._pieces: Queue[bytes | BaseException | None] = Queue(_AHEAD)
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, name="unpacking", daemon=True)

    def __enter__(self) -> Iterator[bytes]:
        self._thread.start()
        return self._given()

    def __exit__(self, *_: object) -> None:
        self._left.set()
        while self._thread.is_alive():
            try:
                self._pieces.get_nowait()
            except Empty:
                self._thread.join(0.01)

    def _given(self) -> Iterator[bytes]:
        while (piece := self._pieces.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    def _run(self) -> None:
        last: BaseException | None = None
        try:
            with closing(self._source):
                for piece in self._source:
                    if not self._put(piece):
                        return
        except BaseException as error:
            last = error
        if last is None or self._put(last):
            self._put(None)

    def _put(self, piece: bytes | BaseException | None) -> bool:
        while not self._left.is_set():
            try:
                self._pieces.put(piece, timeout=_PATIENCE)
            except Full:
                continue
            return True
        return False
