"""Versions of files on servers: size, validators and checksums in responses, and sums of bodies."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Protocol

from ..errors import VerificationFailed
from .representation import codings, parse_content_range

if TYPE_CHECKING:
    from .response import BodySink, Response

_DIGEST_FIELD = re.compile(r"([a-z0-9-]+)\s*=\s*:?([A-Za-z0-9+/=_-]+):?", re.IGNORECASE)
_LENGTHS = {"md5": 16, "sha-1": 20, "sha-256": 32, "sha-512": 64, "crc32": 4, "crc32c": 4}  # bytes
_ALGORITHMS = {"sha": "sha-1", "sha1": "sha-1", "sha256": "sha-256", "sha512": "sha-512"}
_AMAZON = "x-amz-checksum-"
_ANNOUNCING = frozenset(
    {"repr-digest", "digest", "content-digest", "content-md5", "x-ms-blob-content-md5", "x-goog-hash"}
)
_FOR_URLS = str.maketrans("-_", "+/")
_HEX_MD5 = re.compile(r'(?:W/)?"?([0-9a-fA-F]{32})"?')


@dataclass(frozen=True, slots=True)
class Checksum:
    """A checksum of the whole file, in hex.

    - `algorithm`: `md5`, `sha-1`, `sha-256`, `sha-512`, `crc32`, `crc32c`.
    - `guessed`: Whether it is only probably one (an ETag that looks like an MD5): a mismatch is noted, never
      fatal.
    """

    algorithm: str
    value: str
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class RemoteVersion:
    """A version of a file on a server.

    - `total`: Its size in bytes as it is sent; None where the server does not say.
    - `etag`: The entity tag as the server wrote it, quotes or not.
    - `modified`: Last-Modified as the server wrote it.
    - `checksums`: Of the whole file, as it is sent.
    """

    total: int | None = None
    etag: str | None = None
    modified: str | None = None
    checksums: tuple[Checksum, ...] = ()

    def range_headers(self, first: int, last: int) -> dict[str, str]:
        """Return the headers that ask for bytes `first` to `last` of it.

        Ranges are closed: old Azure storage versions do not know `bytes=a-`. If-Range only with a strong,
        quoted ETag (RFC 9110, section 13.1.5), and it is not trusted alone: some servers ignore it.
        """
        asked, etag = {"Range": f"bytes={first}-{last}"}, self.etag or ""
        strong = len(etag) > 2 and etag.startswith('"') and etag.endswith('"')
        return {**asked, "If-Range": etag} if strong else asked

    @property
    def is_identifiable(self) -> bool:
        """Whether this version can be told from another one, so that bytes of two responses may be joined.

        By a strong ETag (old Azure storage forgets the quotes), Last-Modified, or an announced checksum; a
        weak ETag alone means "as good as the same", which is not the same bytes (RFC 9110, section 8.8.1).
        """
        strong = bool(self.etag) and not (self.etag or "").startswith("W/")
        return strong or self.modified is not None or any(not checksum.guessed for checksum in self.checksums)


def remote_version(response: Response) -> RemoteVersion:
    """Return what a 200, 206 or 416, or the response to a HEAD, tells of the whole file, as it is sent."""
    headers, whole = response.headers, response.status == 200
    if whole:
        total = response.content_length
    else:
        span = parse_content_range(headers.get("content-range"))
        total = span.total if span else None
    return RemoteVersion(
        total, headers.get("etag") or None, headers.get("last-modified") or None, checksums(headers, whole)
    )


def version_difference(before: RemoteVersion, now: RemoteVersion) -> str:
    """Return what tells two responses apart, in words; empty if they may be of one version."""
    if before.total is not None and now.total is not None and before.total != now.total:
        return f"its size changed from {before.total} to {now.total} bytes"
    if before.etag and now.etag and _opaque(before.etag) != _opaque(now.etag):
        return "its ETag changed"
    if before.modified and now.modified and before.modified != now.modified:
        return "its date of modification changed"
    known = {checksum.algorithm: checksum.value for checksum in before.checksums}
    if any(known.get(checksum.algorithm, checksum.value) != checksum.value for checksum in now.checksums):
        return "its checksum changed"
    return ""


def checksums(
    headers: Mapping[str, str], whole: bool = True, catalog: tuple[Checksum, ...] = ()
) -> tuple[Checksum, ...]:
    """Return the checksums of the whole file that a server announces, and one that its ETag suggests.

    - `whole`: Whether the response carries the whole file: Content-MD5, Digest and Content-Digest of a 206
      are those of its part (RFC 9530, section 2), while Repr-Digest and the fields of stores name the whole
      file by definition.
    - `catalog`: Those of its catalog, which come last.
    """
    etag = _etag_md5(headers)
    if not etag and _ANNOUNCING.isdisjoint(headers) and _AMAZON not in " ".join(headers):
        # As most responses are, of which there may be thousands a second.
        return comparable(catalog, headers) if catalog else ()
    found: dict[str, str] = {}
    fields = [headers.get("repr-digest", "")]
    if whole:
        fields += [headers.get(name, "") for name in ("digest", "content-digest")]
        fields.append(f"md5={headers.get('content-md5', '')}")
    if sent_as_stored(headers):
        fields += [headers.get("x-goog-hash", ""), f"md5={headers.get('x-ms-blob-content-md5', '')}"]
    if headers.get("x-amz-checksum-type", "FULL_OBJECT").upper() == "FULL_OBJECT":
        for name, value in headers.items():
            # That of a multipart upload, without a type by old stores, ends in "-N": no Base64 of such a sum.
            if name.startswith(_AMAZON) and (whole or "content-range" not in headers):
                fields.append(f"{name.removeprefix(_AMAZON)}={value}" if "-" not in value else "")
    for name, value in _DIGEST_FIELD.findall(", ".join(fields)):
        algorithm = _ALGORITHMS.get(name.lower(), name.lower())
        if algorithm not in found and (decoded := _decode_sum(algorithm, value)):
            found[algorithm] = decoded
    announced = tuple(Checksum(algorithm, value) for algorithm, value in found.items())
    guessed = (Checksum("md5", etag, guessed=True),) if etag and "md5" not in found else ()
    return (*announced, *guessed, *comparable(catalog, headers))


def _opaque(etag: str) -> str:
    """Return the tag without quotes: some servers write them in one response and not in the next."""
    return etag.removeprefix("W/").strip('"')


def sent_as_stored(headers: Mapping[str, str]) -> bool:
    """Return whether the bytes are those that Google's store holds, rather than decompressed on the way."""
    stored = codings({"content-encoding": headers.get("x-goog-stored-content-encoding", "")})
    return not stored or stored == codings(headers)


def comparable(catalog: tuple[Checksum, ...], headers: Mapping[str, str]) -> tuple[Checksum, ...]:
    """Return a catalog's checksums of a file; only guessed if the store has it in another form than it sends.

    A catalog may have been made from what is stored, or from what is sent.
    """
    return catalog if sent_as_stored(headers) else tuple(replace(each, guessed=True) for each in catalog)


def _etag_md5(headers: Mapping[str, str]) -> str:
    """Return the MD5 that S3 uses as ETag of what was uploaded in one piece and not encrypted with a key.

    AWS documents this for plain and SSE-S3 objects only; "-N" ends the tag of a multipart upload. Servers
    that speak its protocol use other sums, so it is only a guess.
    """
    if "x-amz-request-id" not in headers and headers.get("server") != "AmazonS3":
        return ""
    if (match := _HEX_MD5.fullmatch(headers.get("etag", ""))) is None:
        return ""
    encryption = headers.get("x-amz-server-side-encryption", "AES256")
    customer = "x-amz-server-side-encryption-customer-algorithm" in headers
    return match[1].lower() if encryption == "AES256" and not customer else ""


def _decode_sum(algorithm: str, encoded: str) -> str:
    length = _LENGTHS.get(algorithm)
    if length is None:
        return ""
    if len(encoded) == 2 * length and re.fullmatch(r"[0-9a-fA-F]+", encoded):
        return encoded.lower()  # hex, which some servers write
    try:
        # Some servers write the alphabet for URLs (RFC 4648, section 5), or leave the padding out.
        plain = encoded.translate(_FOR_URLS).rstrip("=")
        raw = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return raw.hex() if len(raw) == length else ""


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


class _CRC32C:
    """CRC-32C (RFC 3720, section 12.1) likewise."""

    def __init__(self, extend: Callable[[int, bytes], int]) -> None:
        self._extend, self._value = extend, 0

    def update(self, data: memoryview, /) -> None:
        self._value = self._extend(self._value, bytes(data))

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


def new_hash(algorithm: str) -> Hash:
    """Return a hash by its name in a checksum: `md5`, `sha-256`, `sha3-256`, `blake2b-128` (in bits)."""
    family, _, bits = algorithm.partition("-")
    if algorithm == "crc32":
        return _CRC32()
    if algorithm == "crc32c" and (extend := _crc32c()) is not None:
        return _CRC32C(extend)
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

    @property
    def matching(self) -> tuple[Checksum, ...]:
        """Those checksums that are of the bytes that were written."""
        pairs = zip(self._checksums, self._hashes, strict=True)
        return tuple(checksum for checksum, found in pairs if found.hexdigest() == checksum.value)

    def verify(self, other: HashingSink | None = None) -> str:
        """Return a note on a guessed checksum that differs, else an empty string.

        Raises VerificationFailed, with both sums, if an announced one differs, and is not of the bytes of
        the `other` form either, compressed or not, that were written to its sink.
        """
        note, same = "", {*self.matching, *(other.matching if other is not None else ())}
        for checksum, found in zip(self._checksums, self._hashes, strict=True):
            name, value = checksum.algorithm.upper(), checksum.value
            if checksum not in same and not checksum.guessed:
                sums = f"expected {name} {value}, got {found.hexdigest()}"
                raise VerificationFailed(f"checksum mismatch: {sums}")
            if checksum not in same:
                note = f"its ETag or catalog suggests another {name} ({value})"
        return note


def verifiable(checksums: Iterable[Checksum]) -> tuple[Checksum, ...]:
    """Return the checksums that are computed, each once, announced ones first; CRC-32C for want of others.

    Stores announce it of all they hold, and no other one of what was put together from parts.
    """
    known = sorted(checksums, key=lambda each: each.guessed)
    usable = [each for each in known if each.algorithm != "crc32c"]
    if len(usable) < len(known) and not any(not each.guessed for each in usable) and _crc32c() is not None:
        usable = known
    return tuple(dict.fromkeys(usable))


@cache
def _crc32c() -> Callable[[int, bytes], int] | None:
    """Return what continues a CRC-32C; None where that is Python: a second a megabyte."""
    with warnings.catch_warnings():  # it warns of that itself
        warnings.simplefilter("ignore")
        import google_crc32c  # when the first store announces such a sum and no other one

    return google_crc32c.extend if google_crc32c.implementation == "c" else None
