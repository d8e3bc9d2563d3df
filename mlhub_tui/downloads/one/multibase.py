"""Bytes written as text: hex, and the encodings of multibase in which checksums come."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator

_BASE58 = {letter: n for n, letter in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}
_LONGEST = 400  # letters of a checksum; base 58 takes quadratic time


def readings(text: str) -> Iterator[bytes]:
    """Yield what a text may stand for, the likeliest first; nothing where it stands for nothing.

    Hex comes first, as the STAC file extension wants it; then what the first letter says by the multibase
    table (`f`, `F` hex, `b`, `B` base 32, `z` base 58, `m`, `M` base 64, `u`, `U` base 64 for URLs); then
    base 58 without a letter before it, as IPFS writes hashes (`Qm…`).
    """
    text = text.strip()
    if not text.isascii() or len(text) > _LONGEST:
        return
    tries: list[tuple[Callable[[str], bytes], str]] = [(bytes.fromhex, text)]
    if text[:1] in _BASES:
        tries.append((_BASES[text[0]], text[1:]))
    tries.append((_base58, text))
    for decode, letters in tries:
        try:
            yield decode(letters)
        except (ValueError, binascii.Error):
            continue


def _base32(text: str) -> bytes:
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))


def _base58(text: str) -> bytes:
    number = 0
    for letter in text:
        if letter not in _BASE58:
            raise ValueError("not base 58")
        number = number * 58 + _BASE58[letter]
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _base64(text: str) -> bytes:
    plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


_BASES: dict[str, Callable[[str], bytes]] = {
    "f": bytes.fromhex,
    "F": bytes.fromhex,
    "b": _base32,
    "B": _base32,
    "z": _base58,
    "m": _base64,
    "M": _base64,
    "u": _base64,
    "U": _base64,
}
