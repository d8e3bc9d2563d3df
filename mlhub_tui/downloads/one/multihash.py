"""Checksums as STAC has them: the `file:checksum` of the file extension, a multihash."""

from __future__ import annotations

from ...text import one_line
from .answer import Digest
from .multibase import readings

_ALGORITHMS = {
    0x11: ("sha-1", 20),
    0x12: ("sha-256", 32),
    0x13: ("sha-512", 64),
    0x14: ("sha3-512", 64),
    0x15: ("sha3-384", 48),
    0x16: ("sha3-256", 32),
    0x17: ("sha3-224", 28),
    0x20: ("sha-384", 48),
    0xD5: ("md5", 16),
    0x1013: ("sha-224", 28),
    **{0xB200 + size: (f"blake2b-{8 * size}", size) for size in range(1, 65)},
    **{0xB240 + size: (f"blake2s-{8 * size}", size) for size in range(1, 33)},
}
"""Codes of the multiformats' table that Python's hashlib has everywhere: name, and bytes of the digest."""

_LEAST = 8  # bytes; a shorter digest of BLAKE2 proves nothing
_LONGEST = 9  # bytes of a varint, by the multiformats' unsigned-varint rule


def multihash(value: object) -> Digest | None:
    """Return a parsed multihash; None if it is none, or of an algorithm that is not verified here.

    Two unsigned varints, the algorithm's code (multiformats' table) and the digest's length in bytes, come
    before the digest. A shortened digest is legal as a multihash, but no checksum of a file.

    Parameters
    ----------
    value
        `file:checksum` as it is in an asset (STAC file extension 2.1: hex in small letters); capitals and
        the encodings of multibase are taken too.
    """
    for raw in readings(value) if isinstance(value, str) else ():
        try:
            code, rest = _varint(raw)
            size, digest = _varint(rest)
        except ValueError:
            continue
        algorithm, length = _ALGORITHMS.get(code, ("", 0))
        if algorithm and size == len(digest) == length >= _LEAST:
            return Digest(algorithm, digest.hex())
    return None


def unverified(value: object) -> str:
    """Return a line for a checksum that says nothing here; empty where there is none, or a good one."""
    if value in (None, "") or multihash(value) is not None:
        return ""
    return f"its checksum {one_line(value, 24)} is of no kind that can be verified"


def _varint(raw: bytes) -> tuple[int, bytes]:
    """Return the number that bytes begin with, seven bits a byte, lowest first, and what comes after it."""
    number = 0
    for index, byte in enumerate(raw[:_LONGEST]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, raw[index + 1 :]
    raise ValueError("no end of the number")
