"""What a log of the caller's own gets of requests: where they went, without keys and signatures."""

from __future__ import annotations

import logging

import pytest

from mlhub_tui.http.session import Session
from tests.support.http_server import Answer, LoopbackServer, Request


async def test_a_log_of_the_caller_gets_no_key_and_no_signature(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def answer(request: Request) -> Answer:
        if request.path.endswith("/signed"):
            headers = {
                "Location": "/file?X-Amz-Signature=0123456789abcdef",
                "Set-Cookie": "one=of-a-login; Path=/",
            }
            return Answer(302, headers=headers)
        return Answer(200, b"{}")

    with LoopbackServer(answer) as server, caplog.at_level(logging.DEBUG):
        async with Session(api_key="a-secret-key", root_url=server.root) as session:
            first = await session.request("HEAD", "signed", follow_redirects=False)
            await session.get(first.headers["Location"].replace("/file", f"{server.url}/file"))
            await session.get("signed")
    assert [request.query for request in server.requests if request.path == "/file"] != []
    assert "/file" in caplog.text
    assert "0123456789abcdef" not in caplog.text
    assert "a-secret-key" not in caplog.text
    assert "of-a-login" not in caplog.text and "of-a-login" in server.requests[-1].headers["Cookie"]
