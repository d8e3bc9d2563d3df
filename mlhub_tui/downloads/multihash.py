"""Checksums as STAC has them: the `file:checksum` of the file extension, a multihash in hex."""

from __future__ import annotations

from .answer import Digest

_ALGORITHMS = {0x12: ("sha-256", 32), 0x13: ("sha-512", 64), 0xD5: ("md5", 16)}
_LONGEST = 9  # bytes of a varint, by the multiformats' unsigned-varint rule


def multihash(value: str) -> Digest | None:
    """Return a parsed multihash; None if it is none, or of an algorithm that is not verified here.

    Two unsigned varints, the algorithm's code (multiformats' table) and the digest's length in bytes, come
    before the digest. A shortened digest is legal as a multihash, but no checksum of a file.

    Parameters
    ----------
    value
        `file:checksum` as it is in an asset (STAC file extension 2.1: hex in small letters).
    """
    try:
        raw = bytes.fromhex(value)
        code, rest = _varint(raw)
        size, digest = _varint(rest)
    except (ValueError, TypeError):
        return None
    algorithm, length = _ALGORITHMS.get(code, ("", 0))
    return Digest(algorithm, digest.hex()) if algorithm and size == len(digest) == length else None


def _varint(raw: bytes) -> tuple[int, bytes]:
    """Return the number that bytes begin with, seven bits a byte, lowest first, and what comes after it."""
    number = 0
    for index, byte in enumerate(raw[:_LONGEST]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, raw[index + 1 :]
    raise ValueError("no end of the number")
