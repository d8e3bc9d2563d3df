"""One exchange with a server: redirects followed by hand, the body read within its limit.

Imports httpx; imported when the first request is made.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx

from ..errors import AnswerTooLarge, UnexpectedAnswer
from .json_document import too_large
from .origin import shown

MAX_REDIRECTS = 10
_OF_ERRORS = 1_000_000  # bytes that are read of what a server says of its refusal


async def exchange(
    client: httpx.AsyncClient, request: httpx.Request, bare: Callable[[str], str], follow: bool
) -> httpx.Response:
    """Send a request and return the answer, unread; `bare` cuts keys out of the redirects on the way.

    Raises
    ------
    httpx.TooManyRedirects
        After ten of them.
    """
    for _ in range(MAX_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        if not follow or response.next_request is None:
            return response
        await response.aclose()
        request = response.next_request
        request.url = httpx.URL(bare(str(request.url)))
    raise httpx.TooManyRedirects("too many redirects", request=request)


async def finished(response: httpx.Response, read: bool, max_body: int) -> httpx.Response:
    """Return an answer with its body read, or closed without it; of an error's body the start is enough.

    Raises
    ------
    UnexpectedAnswer
        If the body is larger than `max_body` bytes, by its Content-Length or decompressed.
    """
    try:
        content = await _body(response, max_body) if read else b""
    finally:
        await response.aclose()
    headers = httpx.Headers(response.headers)
    headers.pop("Content-Encoding", None)  # the body is decoded already
    whole = httpx.Response(response.status_code, headers=headers, content=content, request=response.request)
    whole.next_request = response.next_request
    return whole


async def _body(response: httpx.Response, max_body: int) -> bytes:
    if response.request.method == "HEAD":
        return b""
    refused = response.status_code >= 400
    most = min(max_body, _OF_ERRORS) if refused else max_body
    length = response.headers.get("Content-Length", "")
    if not refused and length.isdigit() and int(length) > most:
        raise _too_large(response, int(length), most)
    if "," in response.headers.get("Content-Encoding", ""):
        # Each coding makes a thousand bytes of one at most: two of them make gigabytes of one piece.
        where = shown(response.url)
        raise UnexpectedAnswer(f"the answer is compressed more than once: {where}", url=where)
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        pieces.append(piece)
        if size > most:
            if refused:
                break
            raise _too_large(response, None, most)
    return b"".join(pieces)[:most] if refused else b"".join(pieces)


def _too_large(response: httpx.Response, length: int | None, most: int) -> AnswerTooLarge:
    where = shown(response.url)
    words = f"the answer is too large: {too_large(length, most)}: {where}"
    return AnswerTooLarge(words, url=where, status=response.status_code)
