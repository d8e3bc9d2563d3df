"""Responses of listings and documents: what a server said, with its body in memory, or as it comes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .connection import Response

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_HELD = 256 << 10  # bytes of a body that wait for their reader


class Headers(Mapping[str, str]):
    """Header fields by name, in any case."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


@dataclass(slots=True)
class DocumentResponse:
    """A response behind its redirects.

    Parameters
    ----------
    url
        Where it came from in the end, without the key.
    method
        Of the request that it answers: a redirect may have changed it.
    next_url
        Where it redirects to, if redirects were not to be followed; else empty.
    """

    status_code: int
    reason_phrase: str
    headers: Headers
    content: bytes = field(default=b"", repr=False)
    url: str = field(default="", repr=False)
    method: str = "GET"
    next_url: str = field(default="", repr=False)

    @property
    def encoding(self) -> str:
        """The encoding of its text: that of its Content-Type, else UTF-8."""
        found = _CHARSET.search(self.headers.get("content-type", ""))
        try:
            "".encode(found[1] if found else "utf-8")
        except LookupError:
            return "utf-8"
        return found[1] if found else "utf-8"

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode(self.encoding, "replace")

    def json(self) -> Any:
        """Return the body as parsed JSON; ValueError if it is none."""
        return json.loads(self.content)


class BodyStream:
    """The body of a response as it comes, held back while nobody takes it: the sink of the request `task`."""

    task: asyncio.Future[Response]

    def __init__(self) -> None:
        self.opened: asyncio.Future[DocumentResponse] = asyncio.get_running_loop().create_future()
        self._response: Response | None = None
        self._held = bytearray()
        self._changed = asyncio.Event()

    @property
    def head(self) -> DocumentResponse:
        """What the server said before the body."""
        return self.opened.result()

    def begin(self, response: Response) -> None:
        """Take the head."""
        self._response = response
        self.opened.set_result(document_response(response))

    def write(self, view: memoryview, /) -> None:
        """Hold the bytes until they are taken."""
        self._held += view
        if len(self._held) >= _HELD and self._response is not None:
            self._response.pause()
        self._changed.set()

    def end(self) -> None:
        """Wake the reader: nothing more comes."""
        self._changed.set()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the bytes; RequestError if the connection is lost or stalls."""
        while self._held or not self.task.done():
            await self._changed.wait()
            self._changed.clear()
            data, self._held = bytes(self._held), bytearray()
            if data:
                yield data
            if self._response is not None:
                self._response.resume()
        await self.task


def document_response(response: Response, content: bytes = b"", next_url: str = "") -> DocumentResponse:
    """Return a response of the HTTP client as one of a session."""
    return DocumentResponse(
        response.status,
        response.reason,
        Headers(response.headers),
        content,
        response.url,
        response.method,
        next_url,
    )
