"""Answers are read alike however their bytes come in pieces, and as h11 reads them."""

from __future__ import annotations

from itertools import pairwise

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.downloads.many.place import Call, Place, call, home_call, joined
from mlhub_tui.downloads.many.reading import HEAD, Answer, Reading, usual
from mlhub_tui.downloads.trouble import Broken
from mlhub_tui.errors import UnexpectedAnswer
from mlhub_tui.sources.link import Link

BODY = bytes(range(256)) * 3
PLAIN = b'HTTP/1.1 200 OK\r\nContent-Length: 768\r\nETag: "a"\r\n\r\n' + BODY
ANSWERS = {
    "plain": PLAIN,
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n"
    + BODY[:256]
    + b"\r\n200\r\n"
    + BODY[256:]
    + b"\r\n0\r\n\r\n",
    "after 100": b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN,
    "old": PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "no reason": PLAIN.replace(b"200 OK", b"200 "),
    "two lines": PLAIN.replace(b"ETag", b"Vary: a\r\nVary: b\r\nETag"),
}


def read(data: bytes, cuts: list[int], method: str = "GET", most: int = 1 << 20) -> Answer:
    """Feed bytes in pieces, then the end."""
    reading = Reading(method, bytearray(HEAD), most)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        at = start
        while at < end:
            space = reading.space()
            count = min(len(space), end - at)
            space[:count] = data[at : at + count]
            if reading.filled(count):
                return reading.answer
            at += count
    assert reading.ended()
    return reading.answer


@given(st.sampled_from(sorted(ANSWERS)), st.lists(st.integers(0, 5000), max_size=8))
def test_pieces_do_not_matter(name: str, cuts: list[int]) -> None:
    answer = read(ANSWERS[name], cuts)
    assert (answer.status, bytes(answer.body), answer.framed) == (200, BODY, True)
    assert answer.keep is (name != "old")


@given(st.sampled_from(sorted(ANSWERS)), st.integers(1, 700))
def test_an_early_end_is_never_taken_for_the_end(name: str, missing: int) -> None:
    with pytest.raises(Broken):
        read(ANSWERS[name][:-missing], [])


def test_without_a_length_the_end_of_the_connection_is_the_end_and_said_so() -> None:
    answer = read(b"HTTP/1.1 200 OK\r\n\r\n" + BODY, [5])
    assert (bytes(answer.body), answer.framed, answer.keep) == (BODY, False, False)


@pytest.mark.parametrize("name", ["plain", "chunked"])
def test_a_body_beyond_what_is_allowed_is_left_unread(name: str) -> None:
    answer = read(ANSWERS[name], [], most=300)
    assert answer.large and not answer.keep


def test_the_answer_to_head_has_no_body() -> None:
    answer = read(PLAIN[: -len(BODY)], [3], method="HEAD")
    assert (answer.length, answer.body, answer.keep) == (768, b"", True)


def test_more_than_was_announced_is_not_read_as_the_next_answer() -> None:
    answer = read(PLAIN + b"HTTP/1.1 200 OK\r\n", [])
    assert bytes(answer.body) == BODY and not answer.keep


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n folded\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 5\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n",
        b"HTTP/1.1 101 Switching\r\nContent-Length: 5\r\n",
        b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_what_leaves_a_question_is_left_to_h11(head: bytes) -> None:
    assert usual(head, "GET") is None


_TOKEN = st.text("abcXYZ-09_", min_size=1, max_size=8)
_VALUE = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=12)


@given(st.lists(st.tuples(_TOKEN, _VALUE), max_size=5), st.integers(200, 203), st.integers(0, 99))
def test_usual_heads_are_read_as_h11_reads_them(
    fields: list[tuple[str, str]], status: int, length: int
) -> None:
    lines = [f"{name}: {value}" for name, value in fields] + [f"Content-Length: {length}"]
    head = ("\r\n".join([f"HTTP/1.1 {status} Fine", *lines]) + "\r\n").encode("latin-1")
    mine = usual(head, "GET")
    peer = h11.Connection(h11.CLIENT)
    peer.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    peer.send(h11.EndOfMessage())
    peer.receive_data(head + b"\r\n")
    try:
        theirs = peer.next_event()
    except h11.RemoteProtocolError:
        return  # h11 refuses characters that are of no consequence here
    assert isinstance(theirs, h11.Response)
    assert mine is not None and mine.status == theirs.status_code
    joined_values: dict[str, str] = {}
    for raw, value in theirs.headers:
        name, said = raw.decode(), value.decode("latin-1")
        joined_values[name] = f"{joined_values[name]}, {said}" if name in joined_values else said
    assert mine.headers == joined_values


@pytest.mark.parametrize(
    ("url", "place", "target"),
    [
        ("http://a.example", Place("http", "a.example", 80), "/"),
        ("https://A.example:8443/b/c.tif?sig=%2B", Place("https", "a.example", 8443), "/b/c.tif?sig=%2B"),
        ("http://a.example/b c/ü#top", Place("http", "a.example", 80), "/b%20c/%C3%BC"),
        ("http://[::1]:81/x", Place("http", "::1", 81), "/x"),
        ("http://user:secret@a.example/x", Place("http", "a.example", 80), "/x"),
    ],
)
def test_urls_become_requests(url: str, place: Place, target: str) -> None:
    assert call(url) == Call(place, target)
    assert b"secret" not in call(url).request("GET")


@pytest.mark.parametrize("url", ["", "ftp://a/b", "http://", "http://a:99999/", "a/b", "http://a/\r\nX: y"])
def test_what_is_no_url_is_refused_or_made_harmless(url: str) -> None:
    try:
        request = call(url).request("GET")
    except UnexpectedAnswer:
        return
    assert b"\r\nX: y" not in request


def test_headers_of_a_link_cannot_carry_another_request() -> None:
    with pytest.raises((UnexpectedAnswer, ValueError)):
        home_call(Link("http://a.example/", headers={"X": "y\r\n\r\nGET / HTTP/1.1"}))


def test_a_redirect_is_taken_from_where_it_came() -> None:
    assert joined("http://a.example/b/c?d", "../e") == "http://a.example/e"
    with pytest.raises(UnexpectedAnswer):
        joined("http://a.example/", "javascript:alert(1)")
