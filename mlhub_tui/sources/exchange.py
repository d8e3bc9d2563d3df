"""One exchange with a server: redirects followed by hand, the body read within its limit.

Imports httpx; imported when the first request is made.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx

from ..errors import UnexpectedAnswer
from .origin import shown

MAX_REDIRECTS = 10


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
    """Return an answer with its body read, or closed without it.

    Raises
    ------
    UnexpectedAnswer
        If the body is larger than `max_body` bytes, decompressed.
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
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        if size > max_body:
            where = shown(response.url)
            raise UnexpectedAnswer(f"the answer is larger than {max_body:,} bytes: {where}", url=where)
        pieces.append(piece)
    return b"".join(pieces)
