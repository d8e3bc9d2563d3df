"""Checksums of files that grow, compared with what is announced."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

from ..errors import VerificationFailed
from ..http.representation import Inflater
from ..http.versions import Checksum, HashingSink

_CHUNK = 1 << 20
_POLL = 0.05  # seconds between looks at a file that grows


class StreamingHasher(threading.Thread):
    """Hashes a file from its start in a thread of its own, from the page cache, while it is written.

    On the loop hashing would take more time than the transfer (MD5: 0.6 GB/s); beside it, it is done a
    moment after the last byte. `written` returns how many bytes are there from the start on; `sums` are of
    what was hashed so far.
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
        self._position, self.sums = 0, HashingSink(checksums)
        self._carried = False
        if previous is not None and previous._checksums == checksums and previous.ended(written()):
            self._position, self.sums, self._carried = previous._position, previous.sums, True
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
            return self.sums.verify()
        except VerificationFailed:
            if not self._carried:
                return self.sums.verify(self._hash_content())
        # The file may have been changed between two transfers, unseen: only all of it can tell.
        self._position, self.sums, self._carried = 0, HashingSink(self._checksums), False
        self.run()
        return self.finish(total)

    def _hash_content(self) -> HashingSink:
        """Hash what a gzip file contains: its catalog may have the checksum of that."""
        sums, inflater = HashingSink(self._checksums), Inflater("gzip")
        with contextlib.suppress(VerificationFailed), self._path.open("rb") as file:
            while not self._stopped and (data := file.read(_CHUNK)):
                for piece in inflater.pieces(data):
                    sums.write(memoryview(piece))
        return sums if inflater.whole else self.sums

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
                    self.sums.write(buffer[:count])
                    self._position += count
                elif self._total is not None and room > 0:
                    return  # cut shorter behind our back: the sums will differ
                else:
                    self._wake.wait(_POLL)
