"""Whether the bytes are those the server has: checksums that follow a growing file."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...errors import VerificationFailed
from .answer import Digest

_CHUNK = 1 << 20
_LOOK = 0.05  # seconds between looks at a file that grows


class Hash(Protocol):
    """What hashlib's hashes have in common."""

    def update(self, data: memoryview, /) -> None:
        """Take bytes."""
        ...

    def hexdigest(self) -> str:
        """Return the sum of what was taken, in hex."""
        ...


@dataclass(frozen=True, slots=True)
class Hashed:
    """How far a part was hashed when its transfer ended, for the next one to go on with.

    Only in memory: hashlib cannot write its state down, so another program hashes the part from its start,
    while the rest is fetched.

    Parameters
    ----------
    generation
        The beginning of the part whose bytes they are; see `journal.Entry`.
    at
        Bytes from the start of the file.
    changed
        When the file was changed last, in nanoseconds: an other time, and it is hashed anew.
    hashes
        By the digest they are to be compared with.
    """

    generation: int
    at: int
    changed: int
    hashes: Mapping[Digest, Hash]


class Follower(threading.Thread):
    """Hashes a file from its start in a thread of its own, from the page cache, while it is written.

    Hashing in the transfer's thread would take more time than the transfer (MD5: 0.6 GB/s); beside it, it
    is done a moment after the last byte.

    Parameters
    ----------
    path
        The file; opened anew, so that the writer's position is not touched.
    digests
        What the server announced.
    written
        Returns how many bytes are there from the start on.
    known
        What was hashed before, if it holds for the file as it is.
    """

    def __init__(
        self,
        path: Path,
        digests: tuple[Digest, ...],
        written: Callable[[], int],
        known: Hashed | None = None,
    ) -> None:
        super().__init__(name=f"verify {path.name}", daemon=True)
        self._path = path
        self._digests = digests
        useful = known is not None and set(digests) <= known.hashes.keys() and known.at <= written()
        self._known = known if useful else None
        self._at = self._known.at if self._known else 0
        before: Mapping[Digest, Hash] = self._known.hashes if self._known else {}
        self._hashes = [before.get(digest) or new_hash(digest.algorithm) for digest in digests]
        self._written = written
        self._total: int | None = None
        self._stopped = False
        self._news = threading.Event()
        self._error: OSError | None = None

    def stop(self) -> None:
        """End without a result."""
        self._stopped = True
        self._news.set()

    def state(self, generation: int, changed: int) -> Hashed | None:
        """Return how far it came, once it was stopped; None where that is not certain."""
        self.join(_LOOK)
        if self.is_alive() or self._error is not None or not self._at:
            return None
        return Hashed(generation, self._at, changed, dict(zip(self._digests, self._hashes, strict=True)))

    def check(self, total: int, interval: float, interrupted: threading.Event) -> None:
        """Wait for the last byte and compare.

        Parameters
        ----------
        total
            Size of the file in bytes.
        interval
            Seconds between looks at `interrupted`.
        interrupted
            Ends the wait.

        Raises
        ------
        VerificationFailed
            With both sums, if one differs.
        """
        self._total = total
        self._news.set()
        while self.is_alive() and not interrupted.is_set():
            self.join(interval)
        if self._error is not None:
            raise self._error
        if interrupted.is_set():
            self.stop()
            return
        try:
            compare(self._digests, self._hashes)
        except VerificationFailed:
            if self._known is None:
                raise
            # The file may have been changed between two transfers, unseen: only all of it can tell.
            anew = Follower(self._path, self._digests, lambda: total)
            anew.start()
            anew.check(total, interval, interrupted)

    def run(self) -> None:
        """Follow the writer until the end."""
        try:
            self._follow()
        except OSError as error:
            self._error = error

    def _follow(self) -> None:
        at = limit = self._at
        buffer = memoryview(bytearray(_CHUNK))
        with self._path.open("rb", buffering=0) as file:
            file.seek(at)
            while not self._stopped and at != self._total:
                if at >= limit:
                    limit = self._written() if self._total is None else self._total
                room = min(limit - at, _CHUNK)
                count = file.readinto(buffer[:room]) if room > 0 else 0
                if count:
                    at += count
                    for known in self._hashes:
                        known.update(buffer[:count])
                    self._at = at
                elif self._total is not None and room > 0:
                    return  # cut shorter behind our back: the sums will differ
                else:
                    self._news.wait(_LOOK)


def compare(digests: Sequence[Digest], hashes: Iterable[Hash]) -> None:
    """Raise VerificationFailed, with both sums, unless each hash is that of its digest."""
    for digest, found in zip(digests, hashes, strict=True):
        if found.hexdigest() != digest.value:
            sums = f"{digest.algorithm.upper()} {found.hexdigest()}, announced {digest.value}"
            raise VerificationFailed(f"what arrived is not what the server has: {sums}")


def new_hash(algorithm: str) -> Hash:
    """Return a hash by its name in a digest: `md5`, `sha-256`, `sha3-256`, `blake2b-128` (in bits)."""
    family, _, bits = algorithm.partition("-")
    if family == "blake2b":
        return hashlib.blake2b(digest_size=int(bits) // 8, usedforsecurity=False)
    if family == "blake2s":
        return hashlib.blake2s(digest_size=int(bits) // 8, usedforsecurity=False)
    name = f"{family}_{bits}" if family == "sha3" else f"{family}{bits}"
    return hashlib.new(name, usedforsecurity=False)
