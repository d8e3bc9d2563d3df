"""Hrefs resolve against where their document was fetched from, on every kind of place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.http.urls import resolve_href

WEB = "https://host.org/cats/root/catalog.json?v=1"
DISK = "file:///data/cats/catalog.json"
MEMBER = "file:///data/cat.tar.gz!/root/catalog.json"


@pytest.mark.parametrize(
    ("document", "href", "wanted"),
    [
        (WEB, "./a/collection.json", "https://host.org/cats/root/a/collection.json"),
        (WEB, "a b/ü.json", "https://host.org/cats/root/a%20b/%C3%BC.json"),
        (WEB, "a%20b.json", "https://host.org/cats/root/a%20b.json"),
        (WEB, "100%.json", "https://host.org/cats/root/100%25.json"),
        (WEB, "../x.json?sig=a\\b", "https://host.org/cats/x.json?sig=a%5Cb"),
        (WEB, "../../../../x.json", "https://host.org/x.json"),
        (WEB, "/x.json", "https://host.org/x.json"),
        (WEB, "//other.org/x.json", "https://other.org/x.json"),
        (WEB, ".\\a\\b.json", "https://host.org/cats/root/a/b.json"),
        (WEB, "https://other.org\\a\\b.json", "https://other.org/a/b.json"),
        (WEB, "", "https://host.org/cats/root/catalog.json?v=1"),
        (WEB, "?page=2", "https://host.org/cats/root/catalog.json?page=2"),
        (WEB, "s3://bucket/key with space.tif", "s3://bucket/key%20with%20space.tif"),
        (WEB, "abfs://c@acc.dfs.core.windows.net/x", "abfs://c@acc.dfs.core.windows.net/x"),
        (WEB, "file:///etc/passwd", "file:///etc/passwd"),
        (WEB, "a//b.json", "https://host.org/cats/root/a//b.json"),
        (WEB, "..", "https://host.org/cats/"),
        ("https://host.org", "a.json", "https://host.org/a.json"),
        ("s3://bucket/cats/catalog.json", "../a.tif", "s3://bucket/a.tif"),
        (DISK, "a/b.json", "file:///data/cats/a/b.json"),
        (DISK, "../../../b.json", "file:///b.json"),
        (DISK, "/abs/b c.json", "file:///abs/b%20c.json"),
        (DISK, "what?.json", "file:///data/cats/what%3F.json"),
        (DISK, "a#1.json", "file:///data/cats/a%231.json"),
        (DISK, "C:\\cats\\b.json", "file:///C:/cats/b.json"),
        (DISK, "\\\\server\\share\\b.json", "file://server/share/b.json"),
        (DISK, "file://localhost/x/../y.json", "file:///y.json"),
        (DISK, "file:/y.json", "file:///y.json"),
        (DISK, "https://host.org/x.json", "https://host.org/x.json"),
        (MEMBER, "a/b.json", "file:///data/cat.tar.gz!/root/a/b.json"),
        (MEMBER, "../../../../etc/passwd", "file:///data/cat.tar.gz!/etc/passwd"),
        (MEMBER, "/etc/passwd", "file:///etc/passwd"),
        ("file:///data/cat.tar!/catalog.json", "./a.json", "file:///data/cat.tar!/a.json"),
        ("", "a\\b.json", "a/b.json"),
        ("", "https://host.org/x.json", "https://host.org/x.json"),
    ],
)
def test_an_href_leads_where_its_document_was_fetched_from(document: str, href: str, wanted: str) -> None:
    assert resolve_href(document, href) == wanted


@given(st.text(max_size=40))
def test_no_relative_href_leaves_its_archive(href: str) -> None:
    url = resolve_href(MEMBER, "./" + href)
    assert url.startswith("file:///data/cat.tar.gz!/")
    assert "/../" not in url


@given(st.sampled_from([WEB, DISK, MEMBER]), st.text(max_size=40))
def test_what_is_resolved_stays_what_it_is(document: str, href: str) -> None:
    url = resolve_href(document, href)
    assert resolve_href(document, url) == url
    assert url.isascii()
