"""URLs are joined as the seed library documents, ids never leave their place in a path, keys are cut out."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.errors import EntityDoesNotExist
from mlhub_tui.http.urls import doi_path, join, parse_url, segment, without_key
from mlhub_tui.sources.mlhub import MLHubSource
from tests.support.http_server import as_json
from tests.support.sessions import session_to

ROOT = "https://api.example.org/mlhub/v1/"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("datasets", f"{ROOT}datasets"),
        ("/datasets", f"{ROOT}datasets"),
        ("//datasets", f"{ROOT}datasets"),
        ("", ROOT),
        ("datasets?a=b://c", f"{ROOT}datasets?a=b://c"),
        ("https://other.example.org/x", "https://other.example.org/x"),
        ("HTTP://other.example.org/x", "HTTP://other.example.org/x"),
    ],
)
def test_paths_are_joined_and_absolute_urls_kept(url: str, expected: str) -> None:
    assert join(ROOT, url) == expected


@given(st.text(min_size=1, max_size=30))
def test_an_id_is_one_segment_of_the_path(identity: str) -> None:
    try:
        part = segment(identity, "collection")
    except EntityDoesNotExist:
        assert identity in (".", "..")
        return
    path = parse_url(f"{ROOT}collections/{part}/items").target
    assert path == f"/mlhub/v1/collections/{part}/items"
    assert part.isascii()
    assert not set(part) & set("/?#\\ ")
    if identity.isprintable():
        assert unquote(part) == identity


@pytest.mark.parametrize("identity", ["", ".", ".."])
async def test_an_id_that_leads_elsewhere_does_not_exist_and_is_not_asked_for(identity: str) -> None:
    async with session_to(as_json({"id": "x"})) as (session, server):
        source = MLHubSource(session)
        for ask in (source.collection, source.dataset_by_id, source.model, source.archive_info):
            with pytest.raises(EntityDoesNotExist):
                await ask(identity)
        with pytest.raises(EntityDoesNotExist):
            await source.item("x", identity)
        with pytest.raises(EntityDoesNotExist):
            await source.archive_link(identity)
    assert server.requests == []


async def test_slashes_queries_and_markup_in_an_id_stay_in_their_segment() -> None:
    hostile = "../../admin?x=1#[/]\x1b%2e"
    async with session_to(as_json({"id": "x"})) as (session, server):
        await MLHubSource(session).item(hostile, hostile)
    path = urlsplit(server.targets[0]).path
    assert path.count("/") == "/mlhub/v1/collections/x/items/x".count("/")
    assert unquote(path.split("/")[4]) == hostile


def test_a_doi_keeps_its_slashes_and_nothing_else() -> None:
    assert doi_path("10.34911/rdnt.x") == "10.34911/rdnt.x"
    assert doi_path("https://doi.org/10.1/a/b") == "10.1/a/b"
    assert doi_path("doi:10.1/a?b <c>") == "10.1/a%3Fb%20%3Cc%3E"
    for hostile in ("10.1/../../x", "10.1//x", "/x"):
        with pytest.raises(EntityDoesNotExist):
            doi_path(hostile)


def test_keys_are_cut_out_and_the_rest_stays_letter_by_letter() -> None:
    assert (
        without_key("https://h/x?token=a%3Ab&key=1&limit=2#f?key=2")
        == "https://h/x?token=a%3Ab&limit=2#f?key=2"
    )
    assert without_key("https://h/x?key=1") == "https://h/x"
    assert without_key("https://h/x?%6bey=1&API_KEY=2&monkey=3") == "https://h/x?monkey=3"


@given(st.text(max_size=40), st.text(max_size=20))
def test_no_key_by_name_survives(query: str, key: str) -> None:
    url = without_key(f"https://h/x?{query}&key={key}")
    names = [part.partition("=")[0] for part in urlsplit(url).query.split("&")]
    assert "key" not in names


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.org/x", "https://A.org:443/y", True),
        ("https://a.org/", "https://a.org./", True),
        ("http://a.org/", "http://a.org:80/", True),
        ("http://a.org/", "https://a.org/", False),
        ("https://a.org/", "https://a.org:444/", False),
        ("https://a.org/", "https://b.a.org/", False),
        ("https://a.org/", "https://a.org.evil.org/", False),
        ("https://a.org/", "https://a.org@evil.org/", False),
        ("http://127.0.0.1/", "http://localhost/", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    assert (parse_url(one).origin == parse_url(other).origin) is same
