"""Listings end: at the last page, at a link or page that repeats, and never by being read whole."""

from __future__ import annotations

import threading
from contextlib import aclosing
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.errors import UnexpectedAnswer
from mlhub_tui.http.errors import NO_RETRIES
from mlhub_tui.http.pagination import PageGuard, with_params
from mlhub_tui.http.session import Session, SessionTimeouts
from mlhub_tui.models import Item
from mlhub_tui.sources.base import Listing, Page
from mlhub_tui.sources.local_search import limit_page
from mlhub_tui.sources.mlhub import MLHubSource
from tests.support.http_server import Answer, LoopbackServer, Request, as_json
from tests.support.listing import items_of


def linked(ids: list[str], href: str | None) -> Answer:
    """Return a page of items with a next link."""
    links = [] if href is None else [{"rel": "next", "href": href}]
    return as_json({"features": [{"id": identity} for identity in ids], "links": links})


async def ids_of(server: LoopbackServer, page_size: int | None = None) -> list[str]:
    """Return the ids that a listing gives before it ends, or is given up as not complete."""
    found: list[str] = []
    async with Session(root_url=server.root) as session:
        try:
            async for item in items_of(MLHubSource(session), "x", page_size=page_size):
                found.append(item.id)
        except UnexpectedAnswer as error:
            if "not complete" not in error.message:
                raise
            found.append("not complete")
    return found


async def test_a_link_to_itself_ends_the_listing() -> None:
    with LoopbackServer(lambda asked: linked([asked.target], asked.target)) as server:
        assert await ids_of(server) == ["/mlhub/v1/collections/x/items", "not complete"]
        async with Session(root_url=server.root) as session:
            assert len([page async for page in session.paginate("collections/x/items")]) == 1


@pytest.mark.parametrize("relation", ["next", "https://www.iana.org/assignments/relation/next"])
async def test_a_next_page_that_only_the_header_names_is_followed(relation: str) -> None:
    def pages(asked: Request) -> Answer:
        number = int(asked.query.get("token", ["0"])[0])
        headers = {"Link": f'<?token={number + 1}>; rel="{relation}"; type="application/geo+json"'}
        return replace(linked([f"item-{number}"], None), headers=headers if number < 2 else {})

    with LoopbackServer(pages) as server:
        assert await ids_of(server) == ["item-0", "item-1", "item-2"]


@pytest.mark.parametrize(("pages", "links", "requests"), [(4, 4, 5), (1, 99, 2)])
async def test_links_in_a_circle_or_to_the_same_page_end_the_listing(
    pages: int, links: int, requests: int
) -> None:
    def circle(asked: Request) -> Answer:
        number = int(asked.query.get("token", ["0"])[0])
        return linked([f"item-{number % pages}"], f"?token={(number + 1) % links}")

    with LoopbackServer(circle) as server:
        assert await ids_of(server) == [*(f"item-{number}" for number in range(pages)), "not complete"]
    assert len(server.requests) <= requests


async def test_empty_pages_are_passed_over_but_not_for_ever() -> None:
    numbers = count(1)
    with LoopbackServer(lambda _: linked([], f"?token={next(numbers)}")) as server:
        assert await ids_of(server) == ["not complete"]
    assert len(server.requests) < 30

    pages = [linked([], "?token=1"), linked(["a"], None)]
    with LoopbackServer(lambda _: pages.pop(0)) as server:
        assert await ids_of(server) == ["a"]


@pytest.mark.slow
async def test_a_page_that_does_not_come_in_time_is_requested_in_smaller_ones() -> None:
    released = threading.Event()

    def answer(asked: Request) -> Answer:
        if int(asked.query["limit"][0]) > 10:
            released.wait(60)
        return linked(["a"], None)

    with LoopbackServer(answer) as server:
        session = Session(root_url=server.root, timeouts=SessionTimeouts(read=1.5), retry=NO_RETRIES)
        async with session, aclosing(items_of(MLHubSource(session), "x", page_size=100)) as found:
            try:
                assert [item.id async for item in found] == ["a"]
            finally:
                released.set()
    assert [asked.query["limit"] for asked in server.requests] == [["100"], ["10"]]


@pytest.mark.parametrize("path", ["/mlhub/v1/collections/x/items", "/collections/x/items"])
async def test_a_next_link_to_a_host_that_cannot_be_reached_means_the_api(path: str) -> None:
    def listed(asked: Request) -> Answer:
        more = f"http://127.0.0.1:1{path}?token=2"
        return linked(["b"], None) if "token" in asked.query else linked(["a"], more)

    with LoopbackServer(listed) as server:
        assert await ids_of(server) == ["a", "b"]


async def test_a_page_that_comes_again_is_noticed_where_only_its_beginning_is_wanted() -> None:
    async def cut(link: str | None) -> Page[Item]:
        page = Page(tuple(Item({"id": each}) for each in "abc"), f"{link}+")
        return limit_page(page, 2 if link else None)

    found = Listing(cut)
    assert [len(page.entries) for page in [await found.page()] if page] == [3]
    assert (await found.page(), found.stopped) == (None, "the same page came again")


async def test_relative_links_are_relative_to_their_page() -> None:
    def answer(asked: Request) -> Answer:
        return linked(["b"], None) if "token" in asked.query else linked(["a"], "?token=1")

    with LoopbackServer(answer) as server:
        assert await ids_of(server, page_size=7) == ["a", "b"]
    assert server.requests[1].path == "/mlhub/v1/collections/x/items"
    assert server.requests[1].query == {"token": ["1"], "limit": ["7"]}


@pytest.mark.parametrize("body", [[], {"features": {}}, {"links": []}, None, "x"])
async def test_a_page_of_the_wrong_shape_is_unexpected(body: object) -> None:
    with (
        LoopbackServer(lambda _: as_json(body)) as server,
        pytest.raises(UnexpectedAnswer, match="the answer should be"),
    ):
        await ids_of(server)


async def test_a_null_in_place_of_a_list_is_an_empty_page_unless_a_message_is_beside_it() -> None:
    with LoopbackServer(lambda _: as_json({"features": None, "links": None})) as server:
        assert await ids_of(server) == []
    with (
        LoopbackServer(lambda _: as_json({"features": None, "message": "no database"})) as server,
        pytest.raises(UnexpectedAnswer, match="no database"),
    ):
        await ids_of(server)


def test_parameters_are_added_where_they_are_missing() -> None:
    assert with_params("https://h/x", None) == "https://h/x"
    assert (
        with_params("https://h/x?a=1#f", {"a": 2, "b": ["c d", "e"], "n": None})
        == "https://h/x?a=1&b=c+d&b=e#f"
    )
    assert with_params("https://h/x?", {"a": 0}) == "https://h/x?a=0"


@given(st.lists(st.lists(st.text(max_size=3), max_size=3), max_size=40))
def test_a_guard_never_lets_the_same_page_pass_twice(pages: list[list[str]]) -> None:
    guard = PageGuard()
    passed = [tuple(ids) for ids in pages if not guard.repeats_page([{"id": i} for i in ids]) and ids]
    assert len(passed) == len(set(passed))


def test_a_guard_takes_two_items_of_one_id_for_two_and_the_beginning_of_a_page_for_a_repetition() -> None:
    guard = PageGuard()
    pages = [{"id": "a", "href": "1"}, {"id": "b", "href": "1"}], [{"id": "a", "href": "2"}]
    assert [guard.repeats_page(page) for page in pages] == [False, False]
    guard = PageGuard()
    assert [guard.repeats_page(page) for page in (pages[0], pages[0][:1])] == [False, True]


def test_so_many_empty_pages_in_a_row_are_the_end_of_a_listing() -> None:
    guard = PageGuard()
    assert [guard.repeats_page([]) for _ in range(20)] == [False] * 20
    assert not guard.repeats_page([{"id": 1}]), "they count in a row"
    assert [guard.repeats_page([]) for _ in range(21)] == [*[False] * 20, True]
