"""Answers: JSON out of what the server sent, with captive portals and wrong shapes told apart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..errors import UnexpectedAnswer
from ..http.key_removal import KeyRemoval
from ..models import JsonDict
from .json_document import DEEP_HINT, NestedTooDeep, NotJSON, is_large, value_of
from .origin import host, shown

if TYPE_CHECKING:
    import httpx

PORTAL_HINT = "check the root URL; on a guest network, log in to its portal first"
_PAGE = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<meta")


async def decode(response: httpx.Response, keys: KeyRemoval | None = None) -> Any:
    """Return the JSON of an answer; a large one is decoded in a thread.

    Parameters
    ----------
    keys
        Taken out of it.

    Raises
    ------
    UnexpectedAnswer
        If it is no JSON; a web page is called what it probably is, a captive portal or a wrong root URL.
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
