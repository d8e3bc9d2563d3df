"""What each status means: its error, whether the request is repeated, its words, the smaller pages to try."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlhub_tui.errors import (
    AccessDenied,
    AuthenticationError,
    EntityDoesNotExist,
    RequestError,
    RequestRefused,
    ServerError,
    ServerTimeout,
    ServerUnreachable,
    UnexpectedAnswer,
)
from mlhub_tui.http.errors import (
    BeingPrepared,
    ConnectionLost,
    ConnectTimeout,
    LinkRejected,
    LoginRequired,
    is_lasting,
    may_pass,
    status_error,
)
from mlhub_tui.http.pagination import PageRequest, may_be_size, smaller

STATUSES = frozenset({202, *range(300, 600)})
REDIRECTS, CLIENT, SERVER = frozenset(range(300, 400)), frozenset(range(400, 500)), frozenset(range(500, 600))
PASSING = frozenset(
    {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 527, 529, 530, 598, 599}
)


def error(status: int, what: str = "", body: bytes = b"", *, key_sent: bool = False) -> RequestError:
    headers = {"content-type": "text/plain"}
    return status_error(status, "https://h.test/a", headers, body, what=what, key_sent=key_sent)


def which(means: Callable[[RequestError], bool], what: str = "") -> frozenset[int]:
    return frozenset(status for status in STATUSES if means(error(status, what)))


def of(kind: type[RequestError], what: str = "") -> frozenset[int]:
    return which(lambda found: type(found) is kind, what)


@pytest.mark.parametrize("what", ["", "x.tif"])
def test_the_statuses_that_may_pass_are_those_and_no_others(what: str) -> None:
    assert which(may_pass, what) == {202, *PASSING}
    assert which(is_lasting, what) == SERVER - PASSING
    assert all(error(status, what).status == status for status in STATUSES)


def test_a_listing_has_an_error_for_each_status() -> None:
    assert of(BeingPrepared) == {202}
    assert of(AuthenticationError) == {401}
    assert of(AccessDenied) == {403}
    assert of(EntityDoesNotExist) == {404, 410}
    assert of(UnexpectedAnswer) == {*REDIRECTS, 511}
    assert of(ServerError) == PASSING | (SERVER - {511})
    assert of(RequestRefused) == CLIENT - PASSING - {401, 403, 404, 410}


def test_a_file_has_an_error_for_each_status() -> None:
    assert of(BeingPrepared, "x.tif") == {202}
    assert of(LoginRequired, "x.tif") == {401}
    assert type(error(401, "x.tif", key_sent=True)) is AuthenticationError
    assert of(LinkRejected, "x.tif") == {403, 404, 410}
    assert type(error(400, "x.tif", b"The token has Expired")) is LinkRejected
    assert type(error(400, "", b"The token has Expired")) is RequestRefused
    assert of(UnexpectedAnswer, "x.tif") == {*REDIRECTS, 511}
    assert of(ServerError, "x.tif") == PASSING
    assert of(RequestRefused, "x.tif") == (CLIENT | SERVER) - PASSING - {401, 403, 404, 410, 511}


def test_what_cannot_pass_is_not_to_be_tried_again() -> None:
    def never(found: RequestError) -> bool:
        return "retrying does not help" in (found.hint or "")

    assert which(never) == {*REDIRECTS, 501, 505, 506, 508, 510}
    assert which(never, "x.tif") == REDIRECTS
    assert which(lambda found: "list the source again" in (found.hint or ""), "x.tif") == {404, 410}
    assert which(lambda found: "log in to the network" in (found.hint or ""), "x.tif") == {511}
    assert which(lambda found: "redirects without saying where" in found.message) == REDIRECTS - {300, 304}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "not allowed"),
        (404, "not found"),
        (408, "the server gave up waiting (408)"),
        (410, "not found"),
        (418, "the API refused the request (418)"),
        (429, "too many requests (429)"),
        (500, "the server failed (500)"),
        (501, "the server failed (501)"),
        (511, "the network requires a login first"),
    ],
)
def test_a_listing_that_fails_says_so_in_words(status: int, words: str) -> None:
    assert error(status).message == f"{words}: https://h.test/a"


def test_a_refusal_that_asks_for_patience_is_no_refusal() -> None:
    def waits(status: int) -> type[RequestError]:
        headers = {"retry-after": "5"}
        return type(status_error(status, "https://h.test/a", headers, b"", what="x.tif", key_sent=False))

    def throttles(status: int) -> type[RequestError]:
        return type(error(status, "x.tif", b"<Code>SlowDown</Code>"))

    assert [waits(status) for status in (403, 404, 418)] == [ServerError, LinkRejected, RequestRefused]
    assert [throttles(status) for status in (400, 403, 404)] == [ServerError, ServerError, LinkRejected]


@pytest.mark.parametrize(
    ("secret", "sent", "words"),
    [
        ("a-secret-key-1234", True, "the API refused the key ****1234"),
        ("a-secret-key-1234", False, "no API key was sent, because this is not the API's own origin"),
        (None, True, "no API key was sent"),
        (None, False, "no API key was sent"),
    ],
)
def test_a_listing_that_requires_a_key_says_which_was_sent(
    secret: str | None, sent: bool, words: str
) -> None:
    found = status_error(401, "https://h.test/a", {}, b"", key_sent=sent, secret=secret)
    assert found.message == f"{words}: https://h.test/a"


@pytest.mark.parametrize(
    ("query", "status", "words", "tried"),
    [
        ("limit=100", 413, "", ["limit=50", "limit=25", "limit=10", "limit=5", "limit=1"]),
        ("limit=25&page=1", 413, "", ["limit=10&page=1", "limit=5&page=1", "limit=1&page=1"]),
        # The first entry stays the same: of pages that begin elsewhere none is tried.
        ("limit=30&page=2", 502, "", ["limit=10&page=4", "limit=5&page=7", "limit=1&page=31"]),
        ("limit=1", 413, "", []),
        ("a=1", 504, "", ["a=1&limit=10", "a=1&limit=1"]),
        ("page=1", 504, "", ["page=1&limit=10", "page=1&limit=1"]),
        ("page=2", 504, "", []),
        ("limit=100", 0, "", ["limit=10", "limit=1"]),
        ("limit=10", 0, "", ["limit=1"]),
        ("limit=100", 400, "at most 20", ["limit=20", "limit=10", "limit=5", "limit=1", ""]),
        ("limit=100", 400, "at most 100", ["limit=50", "limit=25", "limit=10", "limit=5", "limit=1", ""]),
        ("limit=100&page=2", 422, "at most 50", ["limit=50&page=3", "limit=25&page=5", "limit=10&page=11"]),
        ("limit=100&page=1", 422, "size exceeds 1 and 2", ["limit=2&page=1", "limit=1&page=1", "page=1"]),
        ("limit=10", 400, "limit: 1 error", ["limit=5", "limit=1", ""]),
        ("limit=100", 400, "no such field", [""]),
        ("limit=100", 403, "at most 20", ["limit=20", ""]),
        ("limit=100", 404, "limit 100 exceeds", ["limit=50", ""]),
        ("limit=100", 414, "", [""]),
        ("a=1", 400, "limit too large", []),
    ],
)
def test_a_page_that_fails_is_requested_in_these_sizes(
    query: str, status: int, words: str, tried: list[str]
) -> None:
    failed = error(status, body=words.encode()) if status else ServerTimeout("timeout")
    steps = smaller(PageRequest(f"https://h.test/s?{query}"), failed)
    found = [step.url.partition("?")[2] for step in steps]
    assert found[: len(tried)] == tried
    assert len(found) == len(tried) or status == 422


def test_a_page_may_have_been_too_large_for_these() -> None:
    assert which(may_be_size) == {400, 403, 413, 414, 422, 502, 504}
    for status in (500, 503):
        assert may_be_size(error(status, body=b"the maximum is 10 items"))
    assert may_be_size(error(404, body=b"no such Limit"))
    assert not may_be_size(error(404, body=b"too many"))
    assert may_be_size(ServerTimeout("timeout")) and not may_be_size(ConnectTimeout("timeout"))
    assert may_be_size(ConnectionLost("lost")) and not may_be_size(ServerUnreachable("down"))
