"""Answers: JSON out of what the server sent, with captive portals and wrong shapes told apart."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..content import GZIP_MAGIC, LFS_MAGIC
from ..errors import AnswerCutShort, AnswerTooLarge, UnexpectedAnswer
from ..models import JsonDict
from ..text import one_line, size
from .credentials import KeyRemoval
from .urls import host, shown

if TYPE_CHECKING:
    import httpx


PORTAL_HINT = "check the root URL; on a guest network, log in to its portal first"
_PAGE = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<meta")
_LINE_NAMES = (".ndjson", ".geojsonl", ".jsonl", ".geojsons")


async def decode(response: httpx.Response, keys: KeyRemoval | None = None) -> Any:
    """Return the JSON of an answer; a large one is decoded in a thread.

    - `keys`: Taken out of it.

    Raises UnexpectedAnswer if it is no JSON, AnswerCutShort if it ends too early; a web page is called what
    it probably is, a captive portal or a wrong root URL.
    """
    content, where, status = response.content, shown(response.url), response.status_code
    told = content, str(response.url), response.headers.get("Content-Type", ""), keys
    try:
        return await asyncio.to_thread(json_in, *told) if is_large(content) else json_in(*told)
    except NotJSON as error:
        hint = DEEP_HINT if isinstance(error, NestedTooDeep) else None
        words = f"the answer is {error}: {where}"
        if isinstance(error, EndsEarly):
            raise AnswerCutShort(words, url=where, status=status) from None
    if hint is None and is_web_page(response):
        words = (
            f"a web page instead of data from {host(where)} (a captive portal, or a wrong root URL): {where}"
        )
        hint = PORTAL_HINT
    raise UnexpectedAnswer(words, url=where, status=status, hint=hint)


def is_web_page(response: httpx.Response) -> bool:
    """Whether an answer says that it is HTML, or begins like it."""
    kind = response.headers.get("Content-Type", "").lower()
    start = response.content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "html" in kind or start.startswith(_PAGE)


def as_object(value: Any, url: object) -> JsonDict:
    """Return a JSON object.

    Raises UnexpectedAnswer if it is something else.
    """
    if isinstance(value, dict):
        return value
    raise wrong_shape("an object", value, url)


def as_list(value: Any, url: object, key: str | None = None) -> list[Any]:
    """Return a JSON list, or the list under `key` of an object; a null there is an empty one (Go writes it).

    Raises UnexpectedAnswer if it is something else, or a null beside a message.
    """
    if key is not None and isinstance(value, dict) and value.get(key, value) is None and not words_in(value):
        return []
    entries = (
        value.get(key) if key is not None and isinstance(value, dict) else value if key is None else None
    )
    if isinstance(entries, list):
        return entries
    raise wrong_shape(f'a list under "{key}"' if key else "a list", value, url)


def wrong_shape(wanted: str, value: Any, url: object) -> UnexpectedAnswer:
    """Return the error for JSON that is not what the API promises."""
    names = {dict: "an object", list: "a list", str: "a text", type(None): "null", bool: "true or false"}
    got = names.get(type(value), "a number")
    if got == "an object" and wanted.startswith("a list under"):
        got = "an object without it"
    where, said = shown(url), one_line(words_in(value), 160) if isinstance(value, dict) else ""
    tail = f": {said}" if said else ""
    return UnexpectedAnswer(f"the answer should be {wanted} and is {got}: {where}{tail}", url=where)


def words_in(document: Any) -> str:
    """Return the message in a JSON document about an error; empty if none.

    FastAPI's `detail` is a string, a list of objects with `loc` and `msg`, or an object with `code` and
    `description`; stac-fastapi sends the latter bare.
    """
    said = (document.get("detail") or document) if isinstance(document, dict) else document
    return "; ".join(filter(None, map(_sentence, said if isinstance(said, list) else [said])))


def _sentence(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, dict):
        return ""
    names = ("msg", "description", "message", "error", "code")
    said = next((entry[name] for name in names if isinstance(entry.get(name), str)), "")
    place = entry.get("loc")
    if isinstance(place, list) and place and said:
        return f"{'.'.join(str(part) for part in place if isinstance(part, str | int))}: {said}"
    return said


MAX_DOCUMENT = 64_000_000
"""Bytes, unpacked; of a larger document the objects would take more than a gigabyte of memory."""
SMALLER_HINT = AnswerTooLarge.default_hint
DEEP_HINT = "nothing here can read it: report it to the owner"
_LARGE = 256 * 1024  # bytes, about 5 ms; the decoder of anything larger lets other threads in between


class NotJSON(ValueError):
    """Bytes that are no JSON; the text says why."""


class EndsEarly(NotJSON):
    """The beginning of a JSON text."""


class NestedTooDeep(NotJSON):
    """JSON with more levels, one in the other, than a parser goes down."""


def is_large(content: bytes) -> bool:
    """Whether decoding takes so long that it belongs in a thread."""
    return len(content) > _LARGE or content.startswith(GZIP_MAGIC)


def value_of(content: bytes, url: str = "", keys: KeyRemoval | None = None) -> Any:
    """Return the value of a JSON text.

    NaN and Infinity are no JSON (RFC 8259, section 6), yet writers send them: they are read as null. UTF-16
    and UTF-32, with a byte order mark or without, are read as well as UTF-8.

    - `url`: Where it came from.
    - `keys`: Taken out of it where it holds them.

    Raises NotJSON if it is none; `NestedTooDeep` if it may be one; `EndsEarly` if it is the beginning of one.
    """
    try:
        text = text_of(content)
        # `json.loads` would make a decoder each time.
        value = (_POLITE_DECODER if is_large(content) else _DECODER).decode(text)
    except RecursionError:
        raise NestedTooDeep("nested too deep to be read") from None
    except ValueError as error:
        raise (EndsEarly if _ends_early(error) else NotJSON)(_why(error)) from None
    if keys is not None and isinstance(value, dict | list) and keys.in_text(text):
        keys.from_document(value, url)
    return value


def raw_value(text: str, at: int) -> tuple[Any, int]:
    """Return the value that begins at a place of a text, and where it ends; raises as `value_of`."""
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError:
        raise NestedTooDeep("nested too deep to be read") from None
    except ValueError as error:
        raise NotJSON(_why(error)) from None


def json_in(content: bytes, url: str, media_type: str = "", keys: KeyRemoval | None = None) -> Any:
    """Return the JSON of a file or an answer; of one item a line (RFC 8142) a FeatureCollection.

    What is packed with gzip is unpacked, whatever it is called.

    Raises NotJSON if it is none; the text says what it is instead.
    """
    if content.startswith(GZIP_MAGIC):
        content, url = _unpacked(content), url.partition("?")[0].removesuffix(".gz")
    path, media_type = url.partition("?")[0].lower(), media_type.lower()
    if path.endswith(_LINE_NAMES) or "ndjson" in media_type or "geo+json-seq" in media_type:
        return {"type": "FeatureCollection", "features": list(_lines_in(content, url, keys))}
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        raise NotJSON("empty")
    if start.startswith(LFS_MAGIC):
        raise NotJSON("a Git LFS pointer: `git lfs pull` in a clone of the repository fetches its content")
    if start.startswith(b"<"):
        raise NotJSON("a web page" if "html" in media_type or start.startswith(_PAGE) else "XML, not JSON")
    try:
        return value_of(content, url, keys)
    except NestedTooDeep:
        raise
    except NotJSON as error:
        found = list(_lines_in(content, url, keys)) if b"\n" in content.strip() else []
        if len(found) > 1 and isinstance(found[0], dict) and found[0].get("type") == "Feature":
            return {"type": "FeatureCollection", "features": found}
        if isinstance(error, EndsEarly):
            raise EndsEarly(f"not JSON ({error}, where it ends too early)") from None
        raise NotJSON(f"not JSON ({error})") from None


def _unpacked(content: bytes) -> bytes:
    unpacked, rest = bytearray(), content
    # A file may be of several members, as those of bgzip are (RFC 1952, section 2.2).
    while rest.startswith(GZIP_MAGIC):
        unpacking = zlib.decompressobj(wbits=31)
        try:
            unpacked += unpacking.decompress(rest, MAX_DOCUMENT + 1 - len(unpacked))
        except zlib.error:
            raise NotJSON("a gzip that is damaged") from None
        if len(unpacked) > MAX_DOCUMENT:
            raise NotJSON(f"too large: {too_large(None)}")
        if not unpacking.eof:
            raise EndsEarly("a gzip that ends too early")
        rest = unpacking.unused_data
    return bytes(unpacked)


def _lines_in(content: bytes, url: str, keys: KeyRemoval | None) -> Iterator[Any]:
    for line in content.splitlines():
        if text := line.strip(b"\x1e \t\r\n"):
            try:
                yield value_of(text, url, keys)
            except NotJSON:
                yield None


def text_of(content: bytes) -> str:
    """Return the text of a JSON document without its byte order mark; what is not UTF-8 may be Windows-1252.

    Raises UnicodeError if it is none.
    """
    try:
        return content.decode(json.detect_encoding(content), "surrogatepass").removeprefix("\ufeff")
    except UnicodeError:
        if not content.lstrip().startswith((b"{", b"[")):
            raise
        return content.decode("cp1252", "replace")


def too_large(found: int | None, most: int = MAX_DOCUMENT) -> str:
    """Return the message for a document that is larger than `most` bytes; `found` is its size, if known."""
    if found is None:
        return f"more than {size(most)} of JSON is not read at once"
    return f"{size(found)} of JSON, more than the {size(most)} that are read at once"


def _ends_early(error: ValueError) -> bool:
    """Whether a text is a beginning: it fails at its end, in a word or a string that has no end."""
    if not isinstance(error, json.JSONDecodeError) or error.msg == "Extra data":
        return False
    if not error.doc.lstrip().startswith(("{", "[")):
        return False
    longest = len("u00e9") if "uXXXX" in error.msg else len("fals")
    return error.msg.startswith("Unterminated") or len(error.doc.rstrip()) - error.pos <= longest


def _why(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno:,}, column {error.colno:,}"
    return "not text" if isinstance(error, UnicodeError) else "a number too long"


def _null(_: str) -> None:
    """Read a number that JSON does not have as null."""


_DECODER = json.JSONDecoder(parse_constant=_null)
# The C decoder keeps the interpreter's lock until it is done, thread or not; a call of Python for each
# object lets the event loop in between.
_POLITE_DECODER = json.JSONDecoder(parse_constant=_null, object_hook=lambda value: value)
