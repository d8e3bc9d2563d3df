"""Whatever goes wrong is one line: what, where (without keys), why; and what to do next."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import zlib
from pathlib import Path

import httpx
import pytest
import trustme

from mlhub_tui.errors import (
    AccessDenied,
    AnswerCutShort,
    AuthenticationError,
    EntityDoesNotExist,
    RequestError,
    RequestRefused,
    ServerError,
    ServerTimeout,
    ServerUnreachable,
    UnexpectedAnswer,
)
from mlhub_tui.http.errors import HOSTED_HINT, NO_RETRIES, TLSFailure
from mlhub_tui.http.json_document import EndsEarly, NotJSON, decode, value_of
from mlhub_tui.http.representation import raise_for_response
from mlhub_tui.http.response import Response
from mlhub_tui.http.session import Session, SessionTimeouts
from mlhub_tui.sources.mlhub import MLHubSource
from mlhub_tui.text import redact
from tests.support.http_server import Answer, LoopbackServer, as_json, page_of_html, redirect
from tests.support.sessions import session_to

GZIP = gzip.compress(bytes(range(256)))


async def failure(answer: Answer, path: str = "datasets") -> RequestError:
    """Return what the session raises for an answer."""
    async with session_to(answer, retry=NO_RETRIES) as (session, _):
        with pytest.raises(RequestError) as caught:
            await session.get_json(path)
    assert "\n" not in caught.value.message
    assert caught.value.hint is not None
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRefused),
        (401, AuthenticationError),
        (403, AccessDenied),
        (404, EntityDoesNotExist),
        (410, EntityDoesNotExist),
        (405, RequestRefused),
        (422, RequestRefused),
        (418, RequestRefused),
        (429, ServerError),
        (500, ServerError),
        (501, ServerError),
        (503, ServerError),
        (511, UnexpectedAnswer),
    ],
)
async def test_each_status_has_its_error(status: int, kind: type[RequestError]) -> None:
    error = await failure(as_json({"detail": "because"}, status))
    assert type(error) is kind
    assert error.status == status
    assert "/mlhub/v1/datasets" in error.message


async def test_a_proxy_that_requires_a_login_is_named_and_what_to_write_is_not_cut_out() -> None:
    error = await failure(Answer(407))
    assert error.message.startswith("the proxy requires a login (407)")
    assert "user:password@host" in redact(error.hint)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": "Bad limit"}, "Bad limit"),
        (
            {"detail": [{"loc": ["query", "limit"], "msg": "not an integer"}, {"msg": "x"}]},
            "query.limit: not an integer; x",
        ),
        ({"detail": {"code": "E1", "description": "no such filter"}}, "no such filter"),
        ({"code": "E1", "description": "no such filter"}, "no such filter"),
        ({"code": "InvalidParameter"}, "InvalidParameter"),
        (["no such box"], "no such box"),
        ({"detail": "two\nlines \x1b]52;c;aGk=\x07 [/] \u202egnp"}, "two lines ]52;c;aGk= [/] gnp"),
        ({"detail": "see https://u:p@h/x?key=abc&a=1"}, "see https://h/x?key=…&a=1"),
    ],
)
async def test_what_the_server_says_is_cleaned_and_told(body: object, said: str) -> None:
    error = await failure(as_json(body, 422))
    assert error.message.endswith(f": {said}")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[[[", b"[1, null]", b'{"detail": [[], {"msg": 3}]}', b"[" * 100_000]
)
async def test_a_refusal_without_words_is_told_all_the_same(body: bytes) -> None:
    error = await failure(Answer(400, body))
    assert error.message.endswith("/mlhub/v1/datasets")


async def test_the_owner_of_the_data_is_named_for_a_file_that_is_refused_and_not_for_a_listing() -> None:
    owner = "report it to the owner of the data"
    assert (await failure(Answer(405))).hint != owner
    with pytest.raises(RequestRefused) as caught:
        raise_for_response(Response(405, "", {}, None, True, requested="https://h.test/x.tif"), "x.tif")
    assert caught.value.hint == owner


async def test_a_long_refusal_is_cut() -> None:
    assert len((await failure(as_json({"detail": "x" * 10_000}, 400))).message) < 300


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page_of_html(), "a web page instead of data from 127.0.0.1"),
        (Answer(200, b"  <!doctype html>"), "a web page instead of data"),
        (Answer(200, b"", {"Content-Type": "application/json"}), "the answer is empty"),
        (Answer(200, b"hello", {"Content-Type": "text/plain"}), "not JSON"),
        (Answer(200, b"\xff\xfe\x00", {"Content-Type": "application/json"}), "not JSON"),
        (Answer(200, b"[" * 200_000, {"Content-Type": "application/json"}), "nested too deep"),
        (Answer(200, b"1" * 300_000, {"Content-Type": "application/json"}), "not JSON"),
        (Answer(200, GZIP[:40] + b"damaged" + GZIP[47:], {"Content-Encoding": "gzip"}), "be decompressed"),
        (Answer(200, GZIP[:-9], {"Content-Encoding": "gzip"}), "cannot be decompressed"),
        (Answer(302), "redirects without saying where (302)"),
        (Answer(300), "the API refused the request (300)"),
        (Answer(301, b"{}", {"Content-Type": "application/json"}), "redirects without saying where (301)"),
        (Answer(200, b"\x8b\x01\x80[]\x03", {"Content-Encoding": "br"}), "cannot be decompressed"),
    ],
)
async def test_what_is_no_json_is_unexpected(answer: Answer, words: str) -> None:
    error = await failure(answer)
    assert type(error) is UnexpectedAnswer
    assert words in error.message


@pytest.mark.parametrize("body", [b'{"a": ', b'{"a": [1, 2, fal', b'{"a": {"b": "c"}', b'["a', GZIP[:-9]])
async def test_what_ends_too_early_is_called_that(body: bytes) -> None:
    error = await failure(Answer(200, body, {"Content-Type": "application/json"}))
    assert type(error) is AnswerCutShort
    assert "ends too early" in error.message


async def test_a_captive_portal_on_another_host_is_named() -> None:
    with (
        LoopbackServer(lambda _: page_of_html()) as portal,
        LoopbackServer(lambda _: redirect(f"http://localhost:{portal.port}/login?key=abc")) as api,
    ):
        async with Session(root_url=api.root) as session:
            with pytest.raises(UnexpectedAnswer, match="a web page instead of data from localhost") as caught:
                await MLHubSource(session).datasets()
    assert "log in to its portal" in caught.value.hint
    assert "abc" not in caught.value.message


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, gzip.compress(b"[1]"), {"Content-Encoding": "gzip", "Content-Type": "application/json"}),
        Answer(200, b"[1]", {"Content-Disposition": 'inline; filename="\xc3\xa9.json"'}),
        Answer(203, b"[1]", {}),
        Answer(200, b"[1]", {"X-N\xe4me": "\xe4"}),
        Answer(200, b"\n [1]", {"Content-Encoding": "gzip"}),
        Answer(200, b"[1]", {"Content-Encoding": "deflate"}),
        Answer(200, b"[1]", {"Content-Encoding": "br"}),
        Answer(200, zlib.compress(b"[1]")[2:-4], {"Content-Encoding": "deflate"}),
        Answer(200, zlib.compress(b"[1]"), {"Content-Encoding": "deflate"}),
    ],
    ids=[
        "compressed",
        "UTF-8 in a header",
        "changed by a proxy",
        "a letter of Latin-1 in a name",
        "gzip as a label alone",
        "deflate as a label alone",
        "br as a label alone",
        "deflate without its header",
        "deflate",
    ],
)
async def test_answers_as_servers_send_them_are_read(answer: Answer) -> None:
    async with session_to(answer) as (session, _):
        assert await session.get_json("x") == [1]


async def test_an_answer_that_unpacks_to_too_much_is_given_up() -> None:
    packed = Answer(200, gzip.compress(b" " * 5_000_000), {"Content-Encoding": "gzip"})
    async with session_to(packed, max_body=1_000_000) as (session, _):
        with pytest.raises(UnexpectedAnswer, match=r"more than 1\.0 MB of JSON"):
            await session.get("x")


async def test_the_event_loop_goes_on_while_a_large_answer_is_decoded() -> None:
    large = json.dumps([{"id": f"item-{n}", "bbox": [1.5, 2, 3, 4]} for n in range(60_000)]).encode()
    response = httpx.Response(200, content=large, request=httpx.Request("GET", "http://127.0.0.1/x"))
    decoding = asyncio.create_task(decode(response))
    ticks = 0
    while not decoding.done():
        await asyncio.sleep(0.001)
        ticks += 1
    assert len(await decoding) == 60_000
    assert ticks >= 4


async def test_a_large_answer_is_read_whole() -> None:
    many = [{"id": f"dataset-{n}", "nan": float("nan")} for n in range(20_000)]
    async with session_to(as_json(many)) as (session, _):
        answer = await session.get_json("datasets")
    assert len(answer) == 20_000
    assert answer[0]["nan"] is None


@pytest.fixture
def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.mark.parametrize(
    ("root", "words"),
    [
        ("http://127.0.0.1:PORT/", "cannot reach http://127.0.0.1:PORT/datasets: connection refused"),
        ("http://nowhere.invalid/", r"cannot reach http://nowhere.invalid/datasets: host not found \(DNS\)"),
    ],
)
async def test_a_server_that_is_not_there_is_named(closed_port: int, root: str, words: str) -> None:
    root, words = (text.replace("PORT", str(closed_port)) for text in (root, words))
    async with Session(root_url=root, retry=NO_RETRIES) as session:
        with pytest.raises(ServerUnreachable, match=words) as caught:
            await session.get("datasets?key=abcdef")
    assert "abcdef" not in str(caught.value) + caught.value.url


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(before="close"), ServerUnreachable, "was lost"),
        (Answer(before="reset"), ServerUnreachable, "was lost: .*reset"),
        (Answer(before="stall"), ServerTimeout, "did not respond within"),
        (
            Answer(200, b"[1, 2, 3]", after=3, end="close"),
            ServerUnreachable,
            "before the response was complete",
        ),
        (Answer(200, b"[1, 2, 3]", after=3, end="stall"), ServerTimeout, "sent nothing more for"),
    ],
)
async def test_each_failure_of_a_connection_has_its_error(
    answer: Answer, kind: type[RequestError], words: str
) -> None:
    timeouts = SessionTimeouts(read=0.3)
    async with session_to(answer, timeouts=timeouts, retry=NO_RETRIES) as (session, _):
        with pytest.raises(kind, match=words) as caught:
            await session.get("datasets?key=abcdef")
    assert "127.0.0.1" in caught.value.message
    assert "abcdef" not in str(caught.value) + caught.value.url
    assert "first_byte_timeout" not in caught.value.hint, "that is of transfers"


async def test_the_hosted_service_that_ended_is_told_with_a_way_on(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed_port}")
    async with Session(root_url="https://api.radiant.earth/mlhub/v1/", retry=NO_RETRIES) as session:
        with pytest.raises(RequestError) as caught:
            await MLHubSource(session).datasets()
    assert caught.value.hint == HOSTED_HINT
    assert "2023" in HOSTED_HINT
    assert "--sample" in HOSTED_HINT
    assert "--root-url" in HOSTED_HINT


async def test_the_default_root_is_the_hosted_service() -> None:
    assert Session().root_url == "https://api.radiant.earth/mlhub/v1/"


async def test_an_untrusted_certificate_is_said_and_not_tried_again() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with LoopbackServer(lambda _: as_json([]), context) as server:
        async with Session(root_url=server.root) as session:
            with pytest.raises(TLSFailure, match=r"TLS failed: https://127.0.0.1.*certificate") as caught:
                await session.get("datasets")
    assert isinstance(caught.value, ServerUnreachable)
    assert server.requests == []


async def test_a_server_that_requires_a_certificate_of_the_client_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.cert_pem.write_to_path(tmp_path / "trusted.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    with LoopbackServer(lambda _: as_json([]), context) as server:
        for _ in range(20):  # it says so before the request is written, or after
            async with Session(root_url=server.root) as session:
                with pytest.raises(TLSFailure, match=r"TLS failed: .*certificate required"):
                    await session.get("datasets")


async def test_tls_to_a_server_without_it_is_said() -> None:
    with LoopbackServer(lambda _: as_json([])) as server:
        async with Session(root_url=server.root.replace("http:", "https:")) as session:
            with pytest.raises(TLSFailure, match="wrong version number: it may speak http"):
                await session.get("datasets")


async def test_a_proxy_of_the_environment_is_used_but_not_for_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with (
        LoopbackServer(lambda _: as_json(["through"])) as proxy,
        LoopbackServer(lambda _: as_json(["direct"])) as api,
    ):
        monkeypatch.setenv("http_proxy", proxy.url)
        async with Session(root_url=api.root) as session:
            assert await session.get_json("datasets") == ["direct"]
            assert await session.get_json("http://api.example.org/datasets") == ["through"]
    assert proxy.targets == ["http://api.example.org/datasets"]


def test_any_beginning_of_a_document_ends_early_and_what_is_wrong_within_it_does_not() -> None:
    text = b'{"a": [false, true, null, -1.5e3, "\\u00e9\\\\"], "b": {}}\n'
    assert value_of(text) == {"a": [False, True, None, -1500.0, "\u00e9\\"], "b": {}}
    for end in range(1, len(text) - 2):
        with pytest.raises(EndsEarly):
            value_of(text[:end])
    for wrong in (
        b'{"a": falso',
        b'{"a": falsch}',
        b'{"a" 1, "b": 2}',
        b"[1] [2]",
        b"falso",
        b"fals",
    ):
        with pytest.raises(NotJSON) as caught:
            value_of(wrong)
        assert type(caught.value) is NotJSON, wrong
