"""Checksums: sums of bodies and of files that grow, and their comparison with what is announced."""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..errors import VerificationFailed
from ..http.representation import Checksum

if TYPE_CHECKING:
    from ..http.response import BodySink

_CHUNK = 1 << 20
_POLL = 0.05  # seconds between looks at a file that grows


class Hash(Protocol):
    """What hashlib's hashes have in common."""

    def update(self, data: memoryview, /) -> None:
        """Add bytes."""

    def hexdigest(self) -> str:
        """Return the sum of what was added, in hex."""
        ...


class _CRC32:
    """CRC-32 (zlib's) in the shape of hashlib's hashes."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


def new_hash(algorithm: str) -> Hash:
    """Return a hash by its name in a checksum: `md5`, `sha-256`, `sha3-256`, `blake2b-128` (in bits)."""
    family, _, bits = algorithm.partition("-")
    if algorithm == "crc32":
        return _CRC32()
    if family in ("blake2b", "blake2s"):
        return getattr(hashlib, family)(digest_size=int(bits) // 8, usedforsecurity=False)  # type: ignore[no-any-return]
    name = f"{family}_{bits}" if family == "sha3" else f"{family}{bits}"
    return hashlib.new(name, usedforsecurity=False)


class HashingSink:
    """Hashes a body for the checksums that can be computed here, on its way to another sink if it has one."""

    def __init__(self, checksums: Iterable[Checksum], sink: BodySink | None = None) -> None:
        self._checksums, self._sink = verifiable(checksums), sink
        self._hashes = [new_hash(each.algorithm) for each in self._checksums]

    def write(self, view: memoryview, /) -> None:
        """Hash the bytes and pass them on."""
        for each in self._hashes:
            each.update(view)
        if self._sink is not None:
            self._sink.write(view)

    def verify(self) -> str:
        """Return a note on a guessed checksum that differs, else an empty string.

        Raises VerificationFailed, with both sums, if an announced one differs.
        """
        note = ""
        for checksum, found in zip(self._checksums, self._hashes, strict=True):
            if found.hexdigest() == checksum.value:
                continue
            if not checksum.guessed:
                sums = f"expected {checksum.algorithm.upper()} {checksum.value}, got {found.hexdigest()}"
                raise VerificationFailed(f"checksum mismatch: {sums}")
            note = f"its ETag looks like another MD5 ({checksum.value})"
        return note


def verifiable(checksums: Iterable[Checksum]) -> tuple[Checksum, ...]:
    """Return the checksums that can be computed here (not CRC-32C), each once; announced before guessed."""
    usable = [each for each in checksums if each.algorithm != "crc32c"]
    return tuple(dict.fromkeys(sorted(usable, key=lambda each: each.guessed))) if usable else ()


class StreamingHasher(threading.Thread):
    """Hashes a file from its start in a thread of its own, from the page cache, while it is written.

    On the loop hashing would take more time than the transfer (MD5: 0.6 GB/s); beside it, it is done a
    moment after the last byte. `written` returns how many bytes are there from the start on.
    """

    def __init__(
        self,
        path: Path,
        checksums: tuple[Checksum, ...],
        written: Callable[[], int],
        previous: StreamingHasher | None = None,
    ) -> None:
        super().__init__(name=f"hash {path.name}", daemon=True)
        self._path, self._checksums, self._written = path, checksums, written
        self._position, self._sums = 0, HashingSink(checksums)
        self._carried = False
        if previous is not None and previous._checksums == checksums and previous.ended(written()):
            self._position, self._sums, self._carried = previous._position, previous._sums, True
        self._total: int | None = None
        self._stopped = False
        self._wake = threading.Event()
        self._error: OSError | None = None

    def stop(self) -> None:
        """End without a result."""
        self._stopped = True
        self._wake.set()

    def ended(self, most: int) -> bool:
        """Return whether it was stopped, without an error, in the first `most` bytes; waits a moment."""
        self.join(_POLL)
        return not self.is_alive() and self._error is None and 0 < self._position <= most

    def finish(self, total: int) -> str:
        """Wait for the hash of so many bytes, and verify it as `HashingSink.verify` does; blocks."""
        self._total = total
        self._wake.set()
        self.join()
        if self._error is not None:
            raise self._error
        if self._stopped:
            return ""
        try:
            return self._sums.verify()
        except VerificationFailed:
            if not self._carried:
                raise
        # The file may have been changed between two transfers, unseen: only all of it can tell.
        again = StreamingHasher(self._path, self._checksums, lambda: total)
        again.start()
        return again.finish(total)

    def run(self) -> None:
        """Follow the writer until the end."""
        try:
            if self._checksums:
                self._follow()
        except OSError as error:
            self._error = error

    def _follow(self) -> None:
        limit = self._position
        buffer = memoryview(bytearray(_CHUNK))
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._position)
            while not self._stopped and self._position != self._total:
                if self._position >= limit:
                    limit = self._written() if self._total is None else self._total
                room = min(limit - self._position, _CHUNK)
                count = file.readinto(buffer[:room]) if room > 0 else 0
                if count:
                    self._sums.write(buffer[:count])
                    self._position += count
                elif self._total is not None and room > 0:
                    return  # cut shorter behind our back: the sums will differ
                else:
                    self._wake.wait(_POLL)
