"""JSON documents of other machines: how large they may be, and what their bytes say."""

from __future__ import annotations

import json
from typing import Any

from ..errors import AnswerTooLarge
from ..http.key_removal import KeyRemoval
from ..text import size

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

    Parameters
    ----------
    url
        Where it came from.
    keys
        Taken out of it where it holds them.

    Raises
    ------
    NotJSON
        If it is none; `NestedTooDeep` if it may be one.
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

    Raises
    ------
    UnicodeError
        If it is none.
    """
    return content.decode(json.detect_encoding(content), "surrogatepass").removeprefix("\ufeff")


def too_large(found: int | None, most: int = MAX_DOCUMENT) -> str:
    """Return what is said of a document that is larger than is read; `found` is its size, where known."""
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
