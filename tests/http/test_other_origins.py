"""What another origin than the one that was asked is sent, and what a login of .netrc is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlhub_tui.auth.location import Auth, Scheme
from mlhub_tui.http.client import HTTPClient
from mlhub_tui.http.credentials import OriginCredentials
from tests.support.http_server import Answer, LoopbackServer


async def test_headers_that_may_be_secrets_stay_with_their_origin() -> None:
    with LoopbackServer(lambda _: Answer(body=b"there")) as other:
        moved = Answer(302, headers={"Location": f"{other.url}/x"})
        own = {"/a": Answer(302, headers={"Location": "/b"}), "/b": moved}
        with LoopbackServer(lambda request: own[request.path]) as server:
            async with HTTPClient() as client:
                headers = {"X-Token": "s3cret", "Range": "bytes=0-1", "Accept": "image/tiff"}
                _, body = await client.fetch("GET", f"{server.url}/a", limit=99, headers=headers)
    assert body == b"there"
    assert [request.headers.get("x-token") for request in server.requests] == ["s3cret", "s3cret"]
    [asked] = other.requests
    assert "x-token" not in asked.headers
    assert (asked.headers["range"], asked.headers["accept"]) == ("bytes=0-1", "image/tiff")


@pytest.mark.parametrize("key", [None, "k" * 20])
async def test_a_login_of_netrc_is_for_who_has_sent_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with LoopbackServer(lambda _: Answer(401)) as server:
        credentials = OriginCredentials(server.url, lambda: key, Auth(Scheme.BEARER))
        async with HTTPClient() as client:
            response, _ = await client.fetch("GET", server.url, limit=9, credentials=credentials)
    assert response.status == 401
    sent = [request.headers.get("authorization", "") for request in server.requests]
    assert sent == ([f"Bearer {key}"] if key else ["", "Basic bWU6bWluZQ=="])
