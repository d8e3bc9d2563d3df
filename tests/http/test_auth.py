"""Secrets of every kind: sent as the source wants them, to its own origin, and shown nowhere."""

from __future__ import annotations

import base64
import logging
from pathlib import Path

import pytest

from mlhub_tui.auth import Auth, Credentials, Kind, Scheme, for_location
from mlhub_tui.errors import AuthenticationError, KeyWithheld, NotOffered
from mlhub_tui.http.client import HTTPClient
from mlhub_tui.http.credentials import OriginCredentials
from mlhub_tui.http.session import Session
from mlhub_tui.sources.open_source import open_mlhub, open_session, open_source
from tests.support.http_server import Answer, LoopbackServer, Request, as_json, redirect
from tests.support.sessions import session_to

SECRET = "a-secret-that-is-long-enough-5678"
BASIC = base64.b64encode(f"ann:{SECRET}".encode()).decode()
AUTHS = {
    "query": (Auth(Scheme.QUERY, "subscription-key"), "", ""),
    "bearer": (Auth(Scheme.BEARER, ""), "Authorization", f"Bearer {SECRET}"),
    "header": (Auth(Scheme.HEADER, "X-API-Key"), "X-Api-Key", SECRET),
    "basic": (Auth(Scheme.BASIC, "", "ann"), "Authorization", f"Basic {BASIC}"),
}
ways = pytest.mark.parametrize("way", AUTHS)


def received(asked: Request) -> set[str]:
    """Return all values of a request's headers, and its target."""
    return {*asked.headers.values(), asked.target}


def came(asked: Request, way: str) -> bool:
    """Whether the secret came the way it should, once."""
    _, name, value = AUTHS[way]
    if way == "query":
        return asked.query.get("subscription-key") == [SECRET]
    headers = {key.lower(): value for key, value in asked.headers.items()}
    return headers.get(name.lower()) == value and "subscription-key" not in asked.target


def told(server: LoopbackServer) -> str:
    return "".join(f"{asked.target} {dict(asked.headers)}" for asked in server.requests)


@ways
async def test_the_own_origin_gets_the_secret_and_no_other(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    auth = AUTHS[way][0]
    with (
        LoopbackServer(lambda _: as_json({"ok": 1})) as other,
        LoopbackServer(
            lambda a: redirect(f"{other.url}/moved") if a.path.endswith("/go") else as_json({})
        ) as api,
    ):
        async with Session(api_key=SECRET, root_url=api.root, auth=auth) as session:
            await session.get("stay", headers={"X-API-Key": "typed", "Authorization": "typed"})
            await session.request("POST", "search", json={"a": 1})
            response = await session.get("go")
            await session.get(f"{other.url}/direct", headers={"Authorization": "typed"})
            shown = f"{session!r}{session.params!r}{response!r}{response.url}"
    assert [came(asked, way) for asked in api.requests] == [True, True, True]
    assert len(other.requests) == 2
    for secret in (SECRET, BASIC):
        assert secret not in told(other) + caplog.text + shown


@ways
async def test_a_transfer_takes_the_secret_to_its_own_origin_and_not_through_a_redirect(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        LoopbackServer(lambda _: as_json({})) as other,
        LoopbackServer(lambda _: redirect(f"http://localhost:{other.port}/x")) as api,
    ):
        session = Session(api_key=SECRET, root_url=api.root, auth=AUTHS[way][0])
        credentials = session.credentials()
        assert credentials is not None
        async with HTTPClient() as client:
            response, _ = await client.fetch("GET", f"{api.root}file?a=1", limit=100, credentials=credentials)
            await client.fetch("GET", f"{other.url}/y", limit=100, credentials=credentials)
        await session.aclose()
    assert came(api.requests[0], way)
    assert api.requests[0].query["a"] == ["1"]
    assert len(other.requests) == 2
    for secret in (SECRET, BASIC):
        assert secret not in told(other) + caplog.text
        assert secret not in f"{response.url}{response!r}{credentials!r}"


@ways
async def test_what_a_server_says_of_the_secret_is_masked(way: str) -> None:
    def tell(asked: Request) -> Answer:
        return as_json({"detail": f"not {SECRET}, nor {BASIC}: {sorted(received(asked))[0]}"}, 401)

    with LoopbackServer(tell) as api:
        async with Session(api_key=SECRET, root_url=api.root, auth=AUTHS[way][0]) as session:
            with pytest.raises(AuthenticationError, match=r"refused the key \*\*\*\*5678") as caught:
                await session.get("x")
    assert caught.value.__cause__ is None
    assert SECRET not in str(caught.value) + repr(caught.value.__dict__)
    if way == "basic":
        assert BASIC not in str(caught.value)


@ways
async def test_a_link_that_would_carry_the_secret_elsewhere_is_not_followed(way: str) -> None:
    with LoopbackServer(lambda _: redirect(f"http://localhost:9/collect/{SECRET}")) as api:
        async with Session(api_key=SECRET, root_url=api.root, auth=AUTHS[way][0]) as session:
            with pytest.raises(KeyWithheld, match="would carry the API key to localhost") as caught:
                await session.get("x")
    assert SECRET not in str(caught.value)


async def test_a_secret_in_a_link_back_home_is_dropped_and_sent_once() -> None:
    auth = AUTHS["query"][0]
    with LoopbackServer(lambda _: as_json({"features": [], "links": []})) as api:
        async with Session(api_key=SECRET, root_url=api.root, auth=auth) as session:
            assert session.bare(f"{api.root}a?x=1&subscription-key=old") == f"{api.root}a?x=1"
            await session.get(f"a?other={SECRET}&x=1&Subscription-Key=old")
    assert api.targets == [f"/mlhub/v1/a?x=1&subscription-key={SECRET}"]


async def test_a_parameter_named_key_is_no_secret_of_a_source_that_has_none() -> None:
    with LoopbackServer(lambda _: as_json({})) as api:
        for kind in (Kind.STAC_API, Kind.STATIC):
            async with open_session(for_location(api.root, kind=kind)) as session:
                await session.get(f"{api.url}/file?key=path/to/file.tif&token=2")
        async with open_session(Credentials(None, api.root, None, "")) as session:
            await session.get(f"{api.url}/file?key=mine&token=2")
    assert api.targets == ["/file?key=path/to/file.tif&token=2"] * 2 + ["/file?token=2"]


async def test_the_session_of_a_static_catalog_is_pinned_to_the_origin_of_its_document() -> None:
    with LoopbackServer(lambda _: as_json({})) as api:
        url = f"{api.url}/deep/down/catalog.json?v=1"
        found = for_location(url, kind=Kind.STATIC, api_key=SECRET, auth=Auth(Scheme.BEARER, ""))
        async with open_session(found) as session:
            await session.get(url)
    assert api.targets == ["/deep/down/catalog.json?v=1"]
    assert came(api.requests[0], "bearer")


async def test_a_secret_with_letters_of_the_world_arrives_as_utf_8() -> None:
    with LoopbackServer(lambda _: as_json({})) as api:
        auth = Auth(Scheme.BASIC, "", "änn")
        async with Session(api_key="pässwörd", root_url=api.root, auth=auth) as session:
            await session.get("x")
    sent = api.requests[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == "änn:pässwörd"


async def test_each_kind_opens_its_source_and_archives_are_of_mlhub_apis() -> None:
    for kind in Kind:
        source = open_source(for_location("https://x.example/catalog.json", kind=kind))
        assert source.kind is kind
        await source.aclose()
    with pytest.raises(NotOffered, match="only MLHub APIs have archives"):
        open_mlhub(for_location("https://x.example/", kind=Kind.STAC_API))


async def test_a_key_in_a_document_is_taken_out_and_what_a_link_would_send_is_dropped() -> None:
    link = {
        "href": f"https://other.example/x?token={SECRET}&page=2",
        "headers": {"X-Key": SECRET, "Accept": "a"},
        "body": {"token": SECRET, "page": 2},
        "note": {"text": f"sent with {SECRET}"},
    }
    async with session_to(as_json({"links": [link]}), api_key=SECRET) as (session, _):
        (read,) = (await session.get_json("x"))["links"]
    assert read["href"] == "https://other.example/x?page=2"
    assert (read["headers"], read["body"]) == ({"Accept": "a"}, {"page": 2})
    assert read["note"] == {"text": "sent with key-removed"}


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
