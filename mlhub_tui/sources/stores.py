"""Object stores: the https address of what a catalog names as `s3://`, `gs://`, `abfs://` or `az://`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from ..errors import NotOffered
from ..http.hrefs import host, shown

AZURE_STORE = ".blob.core.windows.net"
GOOGLE_STORE = "storage.googleapis.com"
AMAZON_STORE = "s3.amazonaws.com"

AZURE_SCHEMES = frozenset({"abfs", "abfss", "az", "adl", "wasb", "wasbs"})
_AZURE_SUFFIX = ".core.windows.net"
_PLAIN = frozenset({"http", "https", "file"})
_KEPT = "/~!$&'()*+,;=:@%"
"""Characters of an object's name that a path may hold as they are; `%` because an href is a URL already."""

# bucket.s3.amazonaws.com, bucket.s3.us-west-2.amazonaws.com, bucket.s3-us-west-2.amazonaws.com
_HOSTED = re.compile(r"(?P<bucket>.+)\.s3(?:[.-][a-z0-9.-]+)?\.amazonaws\.com(?:\.cn)?", re.IGNORECASE)
_PATHED = re.compile(r"s3(?:[.-][a-z0-9.-]+)?\.amazonaws\.com(?:\.cn)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where an object is: the kind of store (`s3`, `gs`, `azure`), its bucket, an Azure store's account."""

    store: str
    name: str
    account: str = ""


def https_of(href: str, *, account: str = "") -> str:
    """Return the address by which an object can be asked for over https; other URLs as they are.

    Parameters
    ----------
    href
        Absolute. `s3://bucket/key` becomes `https://bucket.s3.amazonaws.com/key`, whatever the region; a
        bucket with dots, which no certificate covers as a host name, stands in the path instead (Amazon S3
        User Guide, "Methods for accessing a bucket"). `gs://bucket/key`, and Azure's
        `abfs://container@account.dfs.core.windows.net/path`, likewise.
    account
        The Azure storage account, for `abfs://container/path`, which does not name it.

    Raises
    ------
    NotOffered
        If nothing can be asked for there: another scheme, no bucket, no object, no account.
    """
    scheme, mark, rest = href.partition("://")
    scheme = scheme.lower()
    if not mark or scheme in _PLAIN:
        return href
    bucket, _, key = rest.partition("/")
    if not bucket or not key:
        raise NotOffered(f"{shown(href)} names no object in a store", url=shown(href), hint=_ELSEWHERE)
    path = quote(key, safe=_KEPT)
    match scheme:
        case "s3" | "s3a" | "s3n":
            if "." in bucket:
                return f"https://{AMAZON_STORE}/{quote(bucket)}/{path}"
            return f"https://{quote(bucket)}.{AMAZON_STORE}/{path}"
        case "gs" | "gcs":
            return f"https://{GOOGLE_STORE}/{quote(bucket)}/{path}"
        case _ if scheme in AZURE_SCHEMES:
            return _azure(href, bucket, path, account)
    raise NotOffered(f"{shown(href)} cannot be fetched over https", url=shown(href), hint=_ELSEWHERE)


def bucket_of(href: str) -> Bucket | None:
    """Return the bucket that an object is in, by its own scheme or by https; None outside these stores."""
    try:
        parts = urlsplit(https_of(href))
        place = (parts.hostname or "").lower()
    except (NotOffered, ValueError):
        return None
    first = unquote(parts.path.lstrip("/").partition("/")[0])
    if match := _HOSTED.fullmatch(place):
        return Bucket("s3", match["bucket"])
    if _PATHED.fullmatch(place):
        return Bucket("s3", first)
    if place == GOOGLE_STORE:
        return Bucket("gs", first)
    if place.endswith(f".{GOOGLE_STORE}"):
        return Bucket("gs", place.removesuffix(f".{GOOGLE_STORE}"))
    if place.endswith(AZURE_STORE):
        return Bucket("azure", first, place.removesuffix(AZURE_STORE))
    return None


_ELSEWHERE = "it can be opened with a tool of its store"


def _azure(href: str, authority: str, path: str, account: str) -> str:
    """Return the address of a blob: the `dfs` endpoint serves no anonymous reads, the `blob` one does."""
    container, mark, place = authority.partition("@")
    if mark:
        account = place.partition(".")[0]
    elif authority.endswith(_AZURE_SUFFIX):
        return f"https://{host('x://' + authority).partition('.')[0]}{AZURE_STORE}/{path}"
    if not re.fullmatch(r"[a-z0-9]{3,24}", account):
        words = f"{shown(href)} does not name the storage account it is in"
        raise NotOffered(words, url=shown(href), hint=_ELSEWHERE)
    return f"https://{account}{AZURE_STORE}/{quote(container)}/{path}"
