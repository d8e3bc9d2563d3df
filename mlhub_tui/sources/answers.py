"""Answers: JSON out of what the server sent, with captive portals and wrong shapes told apart."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from ..errors import UnexpectedAnswer
from ..models import JsonDict
from .origin import host, shown

if TYPE_CHECKING:
    import httpx

_LARGE = 256 * 1024  # bytes; decoding this much takes about 5 ms, more would be felt on a screen


async def decode(response: httpx.Response) -> Any:
    """Return the JSON of an answer; a large one is decoded in a thread.

    Raises
    ------
    UnexpectedAnswer
        If it is no JSON; a web page is called what it probably is, a captive portal or a wrong root URL.
    """
    content = response.content
    if is_web_page(response):
        raise UnexpectedAnswer(_web_page(response), url=shown(response.url), status=response.status_code)
    try:
        return await asyncio.to_thread(_load_politely, content) if len(content) > _LARGE else _load(content)
    except (ValueError, RecursionError):
        where = shown(response.url)
        what = "the answer is empty" if not content.strip() else "the answer is not JSON"
        raise UnexpectedAnswer(f"{what}: {where}", url=where, status=response.status_code) from None


def _load(content: bytes) -> Any:
    # NaN and Infinity are no JSON (RFC 8259, section 6), yet Python's writers send them: read as null.
    return json.loads(content, parse_constant=lambda _: None)


def _load_politely(content: bytes) -> Any:
    # The C decoder keeps the interpreter's lock until it is done, thread or not; a call of Python for each
    # object lets the event loop in between.
    return json.loads(content, parse_constant=lambda _: None, object_hook=lambda value: value)


def is_web_page(response: httpx.Response) -> bool:
    """Whether an answer says that it is HTML, or begins like it."""
    kind = response.headers.get("Content-Type", "").lower()
    if "html" in kind:
        return True
    return "json" not in kind and response.content[:64].lstrip().startswith(b"<")


def _web_page(response: httpx.Response) -> str:
    where = shown(response.url)
    return f"a web page instead of data from {host(where)} (a captive portal, or a wrong root URL): {where}"


def as_object(value: Any, url: object) -> JsonDict:
    """Return a JSON object.

    Raises
    ------
    UnexpectedAnswer
        If it is something else.
    """
    if isinstance(value, dict):
        return value
    raise wrong_shape("an object", value, url)


def as_list(value: Any, url: object, key: str | None = None) -> list[Any]:
    """Return a JSON list, or the list under `key` of an object.

    Raises
    ------
    UnexpectedAnswer
        If it is something else.
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
