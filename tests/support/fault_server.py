"""A server of one file: well by default, and with one fault after another by script."""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
from collections import deque
from collections.abc import Callable, Mapping

from .http_server import Answer, HTTPServer, Request

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class FaultServer(HTTPServer):
    """Serves one file, also by ranges.

    `script` is for GETs, one answer each; after it `always`; `heads` are for HEAD. Beyond `most_allowed`
    requests at once, `refusal` is the answer. `by_range` gives another content to a request by the first byte
    it asks for, `by_target` by path and query. `plan` gives another answer to a request than the script does;
    None leaves it to the script.
    """

    def __init__(self, content: bytes = b"", tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.content = content
        self.etag: str | None = '"v1"'
        self.modified: str | None = "Thu, 26 Aug 2021 19:16:05 GMT"
        self.md5 = True
        self.script: deque[Answer] = deque()
        self.heads: deque[Answer] = deque()
        self.always = Answer()
        self.most_allowed: int | None = None
        self.refusal = Answer(status=503)
        self.by_range: Callable[[int | None], bytes] | None = None
        self.by_target: Mapping[str, bytes] = {}
        self.plan: Callable[[Request], Answer | None] | None = None

    @property
    def url(self) -> str:
        """Where the file is."""
        return f"{self.origin}/store/file.tar.gz"

    def answer(self, request: Request) -> Answer:
        """Return what is planned, or the next answer of the script."""
        if self.most_allowed is not None and self.open > self.most_allowed:
            return self.refusal
        if self.plan is not None and (planned := self.plan(request)) is not None:
            return planned
        queue, after = (self.heads, Answer()) if request.method == "HEAD" else (self.script, self.always)
        try:
            return queue.popleft()
        except IndexError:
            return after

    def compose(self, request: Request, answer: Answer) -> tuple[int, dict[str, str | None], bytes]:
        """Return the file, or the range that was asked for, with the faults of an answer."""
        whole = content = self.by_target.get(request.target, self.content)
        headers: dict[str, str | None] = {
            "Content-Type": "application/gzip",
            "ETag": self.etag,
            "Last-Modified": self.modified,
            "Accept-Ranges": "bytes",
        }
        asked = _RANGE.fullmatch(request.range or "")
        if self.by_range is not None:
            content = self.by_range(int(asked[1]) if asked else None)
        if_range = request.headers.get("if-range")
        status, body = 200, content
        if asked and not answer.whole and answer.status in (None, 206) and if_range in (None, self.etag):
            first = int(asked[1]) + answer.shift
            last = min(int(asked[2] or len(content)), len(content) - 1) - answer.short
            if first >= len(content):
                status, body = 416, b""
                headers["Content-Range"] = f"bytes */{len(content)}"
            else:
                status, body = 206, content[first : last + 1]
                headers["Content-Range"] = f"bytes {first}-{last}/{answer.total or len(content)}"
                if answer.flip is not None and first <= answer.flip <= last:
                    body = _flipped(body, answer.flip - first)
        else:
            if answer.flip is not None:
                body = _flipped(body, answer.flip)
            if self.md5:
                headers["Content-MD5"] = md5(whole)
        if answer.body is not None:
            body = answer.body
        elif answer.status is not None and answer.status >= 300:
            body = b""
        return answer.status or status, headers, body


def md5(content: bytes) -> str:
    """Return the MD5 as Content-MD5 has it."""
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def _flipped(body: bytes, index: int) -> bytes:
    return body[:index] + bytes([body[index] ^ 0xFF]) + body[index + 1 :]
