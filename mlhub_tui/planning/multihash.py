"""Multihashes: the checksums that assets announce by the STAC file extension."""

from __future__ import annotations

from ..http.response_headers import Checksum
from ..text import one_line

# The multiformats' table: codes that Python's hashlib has everywhere, with the bytes of their digests.
_MULTIHASHES = {
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
_MIN_DIGEST = 8  # bytes; a shorter digest of BLAKE2 proves nothing
_MAX_VARINT = 9  # bytes, by the multiformats' unsigned-varint rule


def multihash(value: object) -> Checksum | None:
    """Return a parsed multihash, an asset's `file:checksum` (STAC file extension 2.1: hex, in any case here).

    Two unsigned varints, the algorithm's code (multiformats' table) and the digest's length in bytes, come
    before the digest. None if it is none, of an algorithm that is not verified here, or shortened: that is
    legal as a multihash, but no checksum of a file.
    """
    try:
        code, rest = _varint(bytes.fromhex(value if isinstance(value, str) else ""))
        size, digest = _varint(rest)
    except ValueError:
        return None
    algorithm, length = _MULTIHASHES.get(code, ("", 0))
    whole = bool(algorithm) and size == len(digest) == length >= _MIN_DIGEST
    return Checksum(algorithm, digest.hex()) if whole else None


def unverified(value: object) -> str:
    """Return a line for a checksum that says nothing here; empty where there is none, or a good one."""
    if value in (None, "") or multihash(value) is not None:
        return ""
    return f"its checksum {one_line(value, 24)} is of no kind that can be verified"


def _varint(raw: bytes) -> tuple[int, bytes]:
    """Return the number that bytes begin with, seven bits a byte, lowest first, and what comes after it."""
    number = 0
    for index, byte in enumerate(raw[:_MAX_VARINT]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, raw[index + 1 :]
    raise ValueError("no end of the number")
