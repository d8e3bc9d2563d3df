"""What an answer says about a file: size, validators, digests; and whether two answers are of one version."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", re.IGNORECASE)
_STRUCTURED = re.compile(r"([a-z0-9-]+)\s*=\s*:?([A-Za-z0-9+/=_-]+):?", re.IGNORECASE)
_LENGTHS = {"md5": 16, "sha-256": 32, "sha-512": 64}  # bytes
_TELLING = frozenset(
    {
        "repr-digest",
        "digest",
        "content-md5",
        "x-ms-blob-content-md5",
        "x-goog-hash",
        "x-amz-request-id",
    }
)
_MD5_ETAG = re.compile(r'"?([0-9a-f]{32})"?')


@dataclass(frozen=True, slots=True)
class Digest:
    """A checksum of the whole file, in hex: a server's is `md5`, `sha-256` or `sha-512`; see `multihash`."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Remote:
    """A version of a file on a server.

    Parameters
    ----------
    total
        Its size in bytes; None where the server does not say.
    etag
        The entity tag as the server wrote it, quotes or not.
    modified
        Last-Modified as the server wrote it.
    digests
        Checksums of the whole file.
    """

    total: int | None = None
    etag: str | None = None
    modified: str | None = None
    digests: tuple[Digest, ...] = ()

    @property
    def strong(self) -> bool:
        """Whether the ETag is strong and quoted, as RFC 9110 section 13.1.5 wants it in If-Range."""
        etag = self.etag or ""
        return len(etag) > 2 and etag.startswith('"') and etag.endswith('"')

    @property
    def spliceable(self) -> bool:
        """Whether there is enough to tell this version from another one, so that bytes may be joined.

        A strong ETag (old Azure storage forgets the quotes), Last-Modified, or a digest; a weak ETag alone
        means "as good as the same", which is not the same bytes (RFC 9110, section 8.8.1).
        """
        sound_etag = bool(self.etag) and not (self.etag or "").startswith("W/")
        return sound_etag or self.modified is not None or bool(self.digests)


@dataclass(frozen=True, slots=True)
class Span:
    """A Content-Range: first and last byte (both None in a 416), and the size if it is told."""

    first: int | None
    last: int | None
    total: int | None


def content_range(value: str | None) -> Span | None:
    """Return a parsed Content-Range (RFC 9110, section 14.4); None if there is none that makes sense."""
    match = _CONTENT_RANGE.fullmatch((value or "").strip())
    if match is None:
        return None
    first, last, total = (None if part in (None, "*") else int(part) for part in match.groups())
    if first is not None and last is not None and (last < first or (total is not None and last >= total)):
        return None
    return Span(first, last, total)


def remote(status: int, headers: Mapping[str, str], *, head: bool = False) -> Remote:
    """Return what an answer tells of the whole file.

    The checksums of a 206 are those of the part it carries (RFC 9530, section 2), except the ones that
    name the whole file by definition.
    """
    whole = status == 200
    if whole and ("transfer-encoding" not in headers or head):
        total = length(headers)
    else:
        span = content_range(headers.get("content-range"))
        total = span.total if span else None
    return Remote(
        total,
        headers.get("etag") or None,
        headers.get("last-modified") or None,
        _digests(headers, whole),
    )


def length(headers: Mapping[str, str]) -> int | None:
    """Return Content-Length in bytes; None if it is missing or no number."""
    value = headers.get("content-length", "").strip()
    return int(value) if value.isascii() and value.isdigit() else None


def difference(before: Remote, now: Remote) -> str:
    """Return what tells two answers apart, in words; empty if they may be of one version."""
    if before.total is not None and now.total is not None and before.total != now.total:
        return f"its size went from {before.total} to {now.total} bytes"
    if before.etag and now.etag and _opaque(before.etag) != _opaque(now.etag):
        return "its ETag is another"
    if before.modified and now.modified and before.modified != now.modified:
        return "it was modified"
    known = {digest.algorithm: digest.value for digest in before.digests}
    if any(known.get(digest.algorithm, digest.value) != digest.value for digest in now.digests):
        return "its checksum is another"
    return ""


def digests_to_text(digests: tuple[Digest, ...]) -> str:
    """Return digests as one string for the database."""
    return " ".join(f"{digest.algorithm}:{digest.value}" for digest in digests)


def digests_from_text(stored: str) -> tuple[Digest, ...]:
    """Return the digests of such a string."""
    pairs = (word.partition(":") for word in stored.split())
    return tuple(Digest(algorithm, value) for algorithm, _, value in pairs if algorithm in _LENGTHS)


def _opaque(etag: str) -> str:
    """Return the tag without quotes: some servers write them in one answer and not in the next."""
    return etag.removeprefix("W/").strip('"')


def _digests(headers: Mapping[str, str], whole: bool) -> tuple[Digest, ...]:
    if _TELLING.isdisjoint(headers) and headers.get("server") != "AmazonS3":
        return ()  # as most answers are, of which there may be thousands a second
    found: dict[str, str] = {}
    for name, value in _STRUCTURED.findall(headers.get("repr-digest", "")):
        _take(found, name.lower(), value)
    if whole:
        for name, value in _STRUCTURED.findall(headers.get("digest", "")):
            _take(found, name.lower(), value)
        _take(found, "md5", headers.get("content-md5", ""))
    _take(found, "md5", headers.get("x-ms-blob-content-md5", ""))
    for name, value in _STRUCTURED.findall(headers.get("x-goog-hash", "")):
        _take(found, name.lower(), value)
    if "md5" not in found and (etag := _etag_md5(headers)):
        found["md5"] = etag
    return tuple(Digest(algorithm, value) for algorithm, value in found.items())


def _take(found: dict[str, str], algorithm: str, encoded: str) -> None:
    if algorithm not in _LENGTHS or algorithm in found:
        return
    try:
        raw = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return
    if len(raw) == _LENGTHS[algorithm]:
        found[algorithm] = raw.hex()


def _etag_md5(headers: Mapping[str, str]) -> str:
    """Return the MD5 that S3 uses as ETag of what was uploaded in one piece and not encrypted with a key.

    AWS documents this for plain and SSE-S3 objects only; "-N" ends the tag of a multipart upload.
    """
    amazon = "x-amz-request-id" in headers or headers.get("server") == "AmazonS3"
    encryption = headers.get("x-amz-server-side-encryption", "AES256")
    customer = "x-amz-server-side-encryption-customer-algorithm" in headers
    match = _MD5_ETAG.fullmatch(headers.get("etag", ""))
    return match[1] if amazon and match and encryption == "AES256" and not customer else ""
