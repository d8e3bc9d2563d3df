"""Text from outside and text for people: `clean` is the only door through which remote text enters."""

from __future__ import annotations

import csv
import io
import math
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

# C0 without newline and tab, DEL, C1, the bidi controls (UAX #9), line and paragraph separators,
# byte-order mark, interlinear and tag characters, signs that span the digits behind them, lone surrogates
# and non-characters: nothing of these may reach a terminal, where they move the cursor, set titles and
# clipboards, reorder what is read, or take as many cells as the terminal likes.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
_SPACE = re.compile(r"\s+")
_UNSAFE_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\s]+')
# A bracket ends either part, so that no text, however it is made, is walked more than once.
_MARKDOWN_LINK = re.compile(r"\[([^\[\]]*)\]\(((?:[^\s()]|\([^\s()]*\))*)\)")
_RESERVED_NAMES = frozenset(
    {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}
)
_TELLING = 4  # characters; a shorter form of a secret may stand in a sentence by chance
_NAME_BYTES = 200  # most file systems allow 255 bytes; room is left for suffixes


def clean(value: object) -> str:
    """Return text that is safe to draw: control, bidi and invisible characters are dropped.

    Newlines and tabs stay; a carriage return before a newline goes. Markup is not touched: widgets get
    this text as content, never as markup.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else _written(value)
    return text if text.isprintable() else _UNSAFE.sub("", text)


def _written(value: object) -> str:
    """Return a value as text; one that cannot be written (nested too deep, too many digits) is empty."""
    try:
        return str(value)
    except (RecursionError, ValueError):
        return ""


def one_line(value: object, limit: int | None = None) -> str:
    """Return cleaned text on one line, cut to `limit` characters with an ellipsis."""
    text = _SPACE.sub(" ", clean(value)).strip()
    if limit is not None and len(text) > limit:
        return text[: max(limit - 1, 0)].rstrip() + "…"
    return text


def writable(text: str) -> str:
    """Return text that can be encoded: lone surrogates, which JSON may hold, are question marks then."""
    if text.isascii():
        return text  # a look at a flag; a catalog has a million of these
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def unlink(text: str) -> str:
    """Return text with Markdown links written out: `[CC-BY-4.0](https://…)` is `CC-BY-4.0 (https://…)`."""
    return _MARKDOWN_LINK.sub(lambda m: f"{m[1]} ({m[2]})" if m[1] and m[2] else m[1] or m[2], text)


def link_names(text: str) -> str:
    """Return text with Markdown links reduced to their names, for places with little room."""
    return _MARKDOWN_LINK.sub(lambda m: m[1] or m[2], text)


def file_name(identity: str) -> str:
    """Return a file name for a remote id: one path component, portable, at most 200 bytes.

    Separators, control characters and what Windows refuses become `_`; names of dots and reserved
    device names are prefixed. An id that had to be changed gets a short hash of the original, so that two
    ids never share a name.
    """
    cleaned = clean(identity)
    name = _UNSAFE_IN_NAMES.sub("_", cleaned).rstrip(". ")
    if not name.strip("._ "):
        name = "_" + name.strip(". ")
    if name.startswith((".", "-", "~")):
        name = "_" + name.lstrip(".")
    if name.split(".")[0].lower() in _RESERVED_NAMES:
        name = "_" + name
    encoded = name.encode()
    if name == identity and len(encoded) <= _NAME_BYTES:
        return name
    import hashlib  # for names that are too long

    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    short = encoded[: _NAME_BYTES - 9].decode("utf-8", "ignore")
    return f"{short}-{digest}"


def mask(key: str | None) -> str:
    """Return a key as it may be shown: its last 4 characters at most, none of a short key."""
    if not key:
        return "no key"
    return f"****{clean(key[-4:])}" if len(key) >= 12 else "****"


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text in which secrets are masked, also as URLs, HTML and JSON write them."""
    for secret in secrets:
        if len(secret) >= _TELLING:
            written = {
                quote(secret, safe=""),
                quote_plus(secret),
                secret.replace("&", "&amp;"),
                secret.replace("/", r"\/"),
            }
            text = text.replace(secret, mask(secret))
            for form in written - {secret}:
                text = mask(secret).join(re.split(re.escape(form), text, flags=re.IGNORECASE))
    return text


# Keys by their names in queries, and the parts of signatures: Azure's `sig`, Amazon's and Google's own.
_SECRETS = (
    r"(?:(?:x-(?:amz|goog)-)?(?:signature|credential|security-token)|sig|signature|(?:access_?|id_?|sas_?)?token"
    r"|(?:api[_-]?|subscription-|ocp-apim-subscription-)?key|awsaccesskeyid|googleaccessid|secret|password)"
)
_KEY_IN_URL = re.compile(rf"(?i)([?&;]{_SECRETS}=|\bsig=)[^&#\s]*")
_CONTAINERS = "".join(rf"(?<!{scheme}://)" for scheme in ("abfs", "abfss", "wasb", "wasbs", "adl"))
_USERINFO = re.compile(rf"(?i)(?<=://)(?:[^/@\s:]*:[^/@\s]*|{_CONTAINERS}[^/@\s]+)@")
"""Matches a user, or a user with a password; not the container of `abfs://container@account…`."""


def redact(text: str) -> str:
    """Return text (a URL, or a message with URLs in it) without keys, tokens and user information."""
    return _USERINFO.sub("", _KEY_IN_URL.sub(r"\1…", text))


def holds_secret(url: str) -> bool:
    """Return whether a URL carries what `redact` takes away: a key, a token, a signature, a password."""
    return bool(_KEY_IN_URL.search(url)) or (bool(_USERINFO.search(url)) and not _names_container(url))


def _names_container(url: str) -> bool:
    """Return whether what stands before the `@` is a container (`abfs://container@account…`), not a user."""
    return not url.lower().startswith(("http:", "https:", "ftp:"))


class _Units:
    """How sizes are written, in all of the program: a setting made once at the start, like a locale."""

    binary = False


def use_units(units: str) -> None:
    """Write sizes as `SI` (169.3 MB, of 1000) or `IEC` (161.5 MiB, of 1024) from here on."""
    _Units.binary = units == "IEC"


def size(count: float | None) -> str:
    """Return a number of bytes for people, in powers of ten as disks and networks are sold: `169.3 MB`.

    In powers of two (`161.5 MiB`) where the settings say so, see `use_units`.
    """
    if count is None:
        return "unknown size"
    import humanize  # start-up time: no help page has a size

    written = humanize.naturalsize(count, binary=_Units.binary, format="%.1f")
    return written.replace("Bytes", "B").replace("Byte", "B")


def sizes(first: int, second: int) -> tuple[str, str]:
    """Return two sizes that differ for people; in bytes where they would read alike."""
    words = size(first), size(second)
    return words if words[0] != words[1] else (f"{first:,} B", f"{second:,} B")


def rate(bytes_per_second: float | None) -> str:
    """Return a transfer rate for people: `4.2 MB/s`."""
    return "" if not bytes_per_second else f"{size(bytes_per_second)}/s"


_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)(?:b(?:ytes?)?)?(?:/s)?", re.IGNORECASE | re.ASCII)


def parse_rate(typed: str) -> int | None:
    """Return bytes per second of what a person typed: `5M`, `500k`, `1.5 MB/s`, `2MiB`; None for `off`.

    Powers of ten as `size` writes them, of two with an `i`.

    Raises ValueError if it is none of these, in words for people.
    """
    words = one_line(typed).lower()
    if words in ("", "0", "off", "none", "no limit"):
        return None
    match = _RATE.fullmatch(words)
    if match is None:
        raise ValueError(f"{one_line(typed, 40)!r} is no speed; write 5M, 500k or off")
    number, unit, binary = match.groups()
    step = 1024 if binary else 1000
    return int(float(number) * step ** " kmgt".index(unit or " ")) or None


def duration(seconds: float | None) -> str:
    """Return a duration in at most two units: `45 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`."""
    if seconds is None or seconds != seconds or seconds == float("inf"):
        return ""
    whole = max(0, round(seconds))
    for unit, length, lower, step in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= length:
            rest = (whole % length) // step
            return f"{whole // length} {unit} {rest} {lower}" if rest else f"{whole // length} {unit}"
    return f"{whole} s"


def date(value: object) -> str:
    """Return the day of an RFC 3339 date-time, or the cleaned text itself where it is none."""
    text = one_line(value)
    return text[:10] if re.match(r"\d{4}-\d{2}-\d{2}([TtZz ]|$)", text) else text


def now() -> str:
    """Return the current UTC time as RFC 3339 to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_time(at: float) -> str:
    """Return a moment (seconds since the epoch) as local time: `2026-05-04 13:59:07`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 item`, `2,365 items`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def nearest_word(word: str, known: Iterable[str], *, alike: float = 0.6) -> str:
    """Return the one of the known words that was probably meant; empty where none is `alike` (0 to 1)."""
    from difflib import get_close_matches  # only for messages

    return next(iter(get_close_matches(word, list(known), n=1, cutoff=alike)), "")


# What a spreadsheet takes for the begin of a formula, in the forms that it folds too (OWASP, CSV injection).
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b")


def csv_line(values: Iterable[object], end: str = "\r\n") -> str:
    """Return values as a line of a CSV file."""
    written = io.StringIO()
    csv.writer(written, lineterminator=end).writerow([csv_cell(value) for value in values])
    return written.getvalue()


def csv_cell(value: object) -> str:
    """Return a value as a cell: numbers as they are, text cleaned, with an apostrophe before a formula.

    Text stays text though it may look like a number.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and math.isfinite(value):
        return repr(value)
    text = one_line(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
