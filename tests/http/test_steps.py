"""The next page in every dialect: by GET and POST, merged or whole, by tokens, offsets and numbers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.errors import UnexpectedAnswer
from mlhub_tui.http.pagination import REPEATED, PageRequest, following

PAGE = "https://api.example.org/v1/search"
SEARCHED = PageRequest(PAGE, "POST", body={"collections": ["a"], "limit": 10})
LISTED = PageRequest("https://api.example.org/v1/collections/a/items?limit=10")


def after(
    link: dict[str, Any], step: PageRequest = SEARCHED, page_url: str = PAGE
) -> tuple[PageRequest | None, str]:
    return following({"links": [{"rel": "self", "href": "x"}, {"rel": "next", **link}]}, page_url, step)


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ({"href": "https://api.example.org/v1/search?token=next:a%3Ab"}, f"{PAGE}?token=next:a%3Ab"),
        ({"href": "?token=2", "method": "get"}, f"{PAGE}?token=2"),
        ({"href": "/v1/search?skip=10&limit=10"}, f"{PAGE}?skip=10&limit=10"),
        ({"href": "search?startRecord=11&maximumRecords=10"}, f"{PAGE}?startRecord=11&maximumRecords=10"),
        ({"href": "./search?page=2"}, f"{PAGE}?page=2"),
        ({"href": "?offset=10", "type": "application/geo+json"}, f"{PAGE}?offset=10"),
        ({"href": "//api.example.org/v1/search?page=2"}, f"{PAGE}?page=2"),
        ({"href": "http://api.example.org/v1/search?page=2"}, f"{PAGE}?page=2"),
        ({"href": "http://other.example.org/search?page=2"}, "http://other.example.org/search?page=2"),
        ({"href": "https://api.example.org/v1/search?key=secret&page=2"}, f"{PAGE}?page=2"),
    ],
)
def test_a_page_by_get_is_where_the_link_leads(link: dict[str, Any], url: str) -> None:
    assert after(link) == (PageRequest(url), "")


@pytest.mark.parametrize("relation", ["next", "NEXT", " Next "])
def test_relations_are_compared_without_case(relation: str) -> None:
    page = {"links": [{"rel": relation, "href": "?page=2"}]}
    assert following(page, PAGE, LISTED)[0] == PageRequest(f"{PAGE}?page=2")


def test_a_next_page_to_be_looked_at_is_passed_over() -> None:
    links = [
        {"rel": "next", "href": "?page=2&f=html", "type": "text/html"},
        {"rel": "next", "href": "?page=2&f=json", "type": "application/geo+json"},
    ]
    assert following({"links": links}, PAGE, LISTED)[0] == PageRequest(f"{PAGE}?page=2&f=json")
    # The only one leads on, whatever its type.
    assert following({"links": links[:1]}, PAGE, LISTED)[0] == PageRequest(f"{PAGE}?page=2&f=html")


def test_a_post_sends_the_body_of_its_link_whole() -> None:
    body = {"collections": ["a"], "limit": 10, "token": "next:1"}
    assert after({"href": PAGE, "method": "POST", "body": body})[0] == PageRequest(PAGE, "POST", body=body)
    assert after({"href": PAGE, "body": body})[0] == PageRequest(PAGE, "POST", body=body)
    assert after({"href": f"{PAGE}?page=2", "body": body}, LISTED)[0] == PageRequest(f"{PAGE}?page=2")
    assert after({"href": PAGE, "method": "POST", "merge": False, "body": {"next": "x"}})[0] == PageRequest(
        PAGE, "POST", body={"next": "x"}
    )


def test_a_post_with_merge_changes_what_was_asked_before() -> None:
    step = PageRequest(PAGE, "POST", {"x-one": "1"}, {"collections": ["a"], "limit": 10, "token": "old"})
    link = {"href": PAGE, "method": "POST", "merge": True, "body": {"token": "t"}, "headers": {"x-two": "2"}}
    assert after(link, step)[0] == PageRequest(
        PAGE, "POST", {"x-one": "1", "x-two": "2"}, {"collections": ["a"], "limit": 10, "token": "t"}
    )


def test_a_post_without_a_body_does_not_ask_for_everything() -> None:
    found, _ = after({"href": "?token=2", "method": "POST"})
    assert found == PageRequest(f"{PAGE}?token=2", "POST", body=SEARCHED.body)


def test_headers_of_a_link_are_sent_but_for_those_that_are_ours() -> None:
    headers = {
        "Search-After": "LC81530752019135LGN00",
        "Authorization": "Bearer x",
        "Host": "evil.example.org",
        "Cookie": "a=b",
        "Content-Length": "3",
        "Bad Name": "x",
        "X-Lines": "a\r\nX-Evil: b",
        "X-Object": {},
        "X-Number": 7,
    }
    found, _ = after({"href": PAGE, "headers": headers}, LISTED)
    assert found == PageRequest(PAGE, headers={"Search-After": "LC81530752019135LGN00", "X-Number": "7"})


@pytest.mark.parametrize("place", ["context", "search:metadata"])
def test_a_bare_token_of_the_older_versions_is_used_where_there_is_no_link(place: str) -> None:
    page = {"links": [], place: {"next": "t 1", "matched": 3}}
    assert following(page, PAGE, SEARCHED)[0] == PageRequest(
        PAGE, "POST", body={"collections": ["a"], "limit": 10, "next": "t 1"}
    )
    assert following(page, PAGE, LISTED)[0] == PageRequest(f"{LISTED.url}&next=t+1")
    again = PageRequest(f"{LISTED.url}&next=t0")
    assert following(page, PAGE, again)[0] == PageRequest(f"{LISTED.url}&next=t+1")
    assert following({"links": [], place: {"next": None}}, PAGE, LISTED) == (None, "")


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ({"href": LISTED.url}, REPEATED),
        ({"href": "ftp://api.example.org/x"}, "a link cannot be followed: ftp://api.example.org/x"),
        ({"href": "javascript:alert(1)"}, "a link cannot be followed"),
        ({"href": "file:///etc/passwd"}, "a link cannot be followed"),
        ({"href": "http://[bad"}, "a link cannot be followed"),
        ({"href": "x", "method": "DELETE"}, "the next page requires the method DELETE"),
    ],
)
def test_why_a_next_page_cannot_be_had_is_said(link: dict[str, Any], reason: str) -> None:
    found, why = after(link, LISTED, LISTED.url)
    assert found is None
    assert why.startswith(reason)


@pytest.mark.parametrize(
    "links",
    [None, {}, [], [None], ["next"], [{"rel": ["next"]}], [{"rel": "next"}], [{"rel": "next", "href": 1}]],
)
def test_links_that_are_none_end_the_listing(links: object) -> None:
    assert following({"links": links}, PAGE, LISTED) == (None, "")


def test_the_api_decides_what_a_key_is() -> None:
    page = {"links": [{"rel": "next", "href": "?key=abc&apitoken=SECRET"}]}
    found, _ = following(page, PAGE, LISTED, lambda url: url.replace("&apitoken=SECRET", ""))
    assert found == PageRequest(f"{PAGE}?key=abc")


texts = st.text(max_size=8)
bodies = st.dictionaries(texts, st.one_of(texts, st.integers(), st.lists(texts, max_size=2)), max_size=4)
steps = st.builds(lambda url: PageRequest(f"https://h/{url}"), texts) | st.builds(
    lambda headers, body: PageRequest(PAGE, "POST", headers, body),
    st.dictionaries(texts, texts, max_size=2),
    bodies,
)
listed = st.builds(
    lambda headers: PageRequest(PAGE, headers=headers), st.dictionaries(texts, texts, max_size=2)
)


@given(steps | listed)
def test_a_step_comes_back_from_its_text_as_it_was(step: PageRequest) -> None:
    assert PageRequest.decoded(step.encoded()) == step


@pytest.mark.parametrize("text", ["{", "{}", '{"url"', '{"method": "POST"}'])
def test_a_text_that_is_no_step_is_refused(text: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        PageRequest.decoded(text)


links = st.lists(
    st.fixed_dictionaries(
        {"rel": st.sampled_from(["next", "self"])},
        optional={
            "href": texts | st.none(),
            "method": texts | st.sampled_from(["GET", "POST"]),
            "body": bodies | texts,
            "merge": st.booleans() | texts,
            "headers": st.dictionaries(texts, texts, max_size=2) | texts,
        },
    ),
    max_size=3,
)


@given(links, steps)
def test_any_links_lead_on_or_end_with_a_reason(entries: list[dict[str, Any]], step: PageRequest) -> None:
    found, why = following({"links": entries}, PAGE, step)
    assert found is None or (not why and found.url.startswith(("http://", "https://")) and found != step)
