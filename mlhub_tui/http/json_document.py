"""Answers: JSON out of what the server sent, with captive portals and wrong shapes told apart."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from ..errors import AnswerTooLarge, UnexpectedAnswer
from ..models import JsonDict
from ..text import size
from .key_removal import KeyRemoval
from .urls import host, shown

if TYPE_CHECKING:
    import httpx


PORTAL_HINT = "check the root URL; on a guest network, log in to its portal first"
_PAGE = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<meta")


async def decode(response: httpx.Response, keys: KeyRemoval | None = None) -> Any:
    """Return the JSON of an answer; a large one is decoded in a thread.

    - `keys`: Taken out of it.

    Raises UnexpectedAnswer if it is no JSON; a web page is called what it probably is, a captive portal or a
    wrong root URL.
    """
    content, where, status = response.content, shown(response.url), response.status_code
    try:
        if is_large(content):
            return await asyncio.to_thread(value_of, content, str(response.url), keys)
        return value_of(content, str(response.url), keys)
    except NestedTooDeep:
        words = f"the answer is nested too deep to be read: {where}"
        raise UnexpectedAnswer(words, url=where, status=status, hint=DEEP_HINT) from None
    except NotJSON as error:
        if is_web_page(response):
            raise UnexpectedAnswer(_web_page(response), url=where, status=status, hint=PORTAL_HINT) from None
        start = content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
        if not start:
            raise UnexpectedAnswer(f"the answer is empty: {where}", url=where, status=status) from None
        why = "XML, not JSON" if start.startswith(b"<") else f"not JSON ({error})"
        raise UnexpectedAnswer(f"the answer is {why}: {where}", url=where, status=status) from None


def is_web_page(response: httpx.Response) -> bool:
    """Whether an answer says that it is HTML, or begins like it."""
    kind = response.headers.get("Content-Type", "").lower()
    start = response.content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "html" in kind or start.startswith(_PAGE)


def _web_page(response: httpx.Response) -> str:
    where = shown(response.url)
    return f"a web page instead of data from {host(where)} (a captive portal, or a wrong root URL): {where}"


def as_object(value: Any, url: object) -> JsonDict:
    """Return a JSON object.

    Raises UnexpectedAnswer if it is something else.
    """
    if isinstance(value, dict):
        return value
    raise wrong_shape("an object", value, url)


def as_list(value: Any, url: object, key: str | None = None) -> list[Any]:
    """Return a JSON list, or the list under `key` of an object.

    Raises UnexpectedAnswer if it is something else.
    """
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
    where = shown(url)
    return UnexpectedAnswer(f"the answer should be {wanted} and is {got}: {where}", url=where)


MAX_DOCUMENT = 64_000_000
"""Bytes, unpacked; of a larger document the objects would take more than a gigabyte of memory."""
SMALLER_HINT = AnswerTooLarge.default_hint
DEEP_HINT = "nothing here can read it: report it to the owner"
_LARGE = 256 * 1024  # bytes, about 5 ms; the decoder of anything larger lets other threads in between


class NotJSON(ValueError):
    """Bytes that are no JSON; the text says why."""


class NestedTooDeep(NotJSON):
    """JSON with more levels, one in the other, than a parser goes down."""


def is_large(content: bytes) -> bool:
    """Whether decoding takes so long that it belongs in a thread."""
    return len(content) > _LARGE


def value_of(content: bytes, url: str = "", keys: KeyRemoval | None = None) -> Any:
    """Return the value of a JSON text.

    NaN and Infinity are no JSON (RFC 8259, section 6), yet writers send them: they are read as null. UTF-16
    and UTF-32, with a byte order mark or without, are read as well as UTF-8.

    - `url`: Where it came from.
    - `keys`: Taken out of it where it holds them.

    Raises NotJSON if it is none; `NestedTooDeep` if it may be one.
    """
    try:
        text = text_of(content)
        # `json.loads` would make a decoder each time.
        value = (_POLITE_DECODER if is_large(content) else _DECODER).decode(text)
    except RecursionError:
        raise NestedTooDeep("nested too deep") from None
    except ValueError as error:
        raise NotJSON(_why(error)) from None
    if keys is not None and isinstance(value, dict | list) and keys.in_text(text):
        keys.from_document(value, url)
    return value


def text_of(content: bytes) -> str:
    """Return the text of a JSON document without its byte order mark.

    Raises UnicodeError if it is none.
    """
    return content.decode(json.detect_encoding(content), "surrogatepass").removeprefix("\ufeff")


def too_large(found: int | None, most: int = MAX_DOCUMENT) -> str:
    """Return the message for a document that is larger than `most` bytes; `found` is its size, if known."""
    if found is None:
        return f"more than {size(most)} of JSON is not read at once"
    return f"{size(found)} of JSON, more than the {size(most)} that are read at once"


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
