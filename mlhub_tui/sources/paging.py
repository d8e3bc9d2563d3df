"""Paging: the link to the next page, and a guard against listings that never end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin

from ..errors import UnexpectedAnswer
from .origin import is_absolute, shown, without_key

Params = Mapping[str, Any] | None
_EMPTY_PAGES = 20


def next_link(page: Mapping[str, Any], page_url: str, bare: Callable[[str], str] = without_key) -> str | None:
    """Return the absolute URL of `rel: next` (RFC 8288) without keys, or None at the end.

    Parameters
    ----------
    bare
        Takes keys out of a URL.

    Raises
    ------
    UnexpectedAnswer
        If the next page is there but cannot be asked for with a GET.
    """
    links = page.get("links")
    for link in links if isinstance(links, list) else []:
        if not isinstance(link, dict) or link.get("rel") != "next":
            continue
        href = link.get("href")
        if not isinstance(href, str) or not href.strip():
            continue
        if str(link.get("method") or "GET").upper() != "GET":
            raise UnexpectedAnswer(f"the next page cannot be asked for with GET: {shown(page_url)}")
        return _absolute(href.strip(), page_url, bare)
    return None


def _absolute(href: str, page_url: str, bare: Callable[[str], str]) -> str:
    try:
        url = bare(urljoin(page_url, href))
    except ValueError:
        url = ""
    if not is_absolute(url) or not url.lower().startswith(("http://", "https://")):
        raise UnexpectedAnswer(
            f"the link to the next page cannot be followed: {shown(href)}", url=shown(page_url)
        )
    return url


def with_params(url: str, params: Params) -> str:
    """Return a URL with the parameters it does not hold yet; a sequence gives one `name=value` per entry.

    The hosted API's `next` links hold a token but no page size: what was asked for stays in force.
    """
    query = url.partition("#")[0].partition("?")[2]
    known = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    pairs: list[tuple[str, str]] = []
    for name, value in (params or {}).items():
        if name in known or value is None:
            continue
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        pairs.extend((name, str(entry)) for entry in values)
    if not pairs:
        return url
    base, mark, fragment = url.partition("#")
    joiner = "?" if "?" not in base else "" if base.endswith(("?", "&")) else "&"
    return f"{base}{joiner}{urlencode(pairs, errors='replace')}{mark}{fragment}"


class PageGuard:
    """Notices links and pages that come again, and pages that stay empty.

    Only hashes are kept, so that a listing of a million items costs a few bytes a page.
    """

    def __init__(self) -> None:
        self._links: set[int] = set()
        self._pages: set[int] = set()
        self._empty = 0

    def repeats_link(self, link: str) -> bool:
        """Whether this link was given before."""
        known = hash(link) in self._links
        self._links.add(hash(link))
        return known

    def repeats_page(self, entries: Sequence[Any]) -> bool:
        """Whether a page of the same ids was given before, or too many empty ones in a row."""
        if not entries:
            self._empty += 1
            return self._empty > _EMPTY_PAGES
        self._empty = 0
        mark = hash(tuple(repr(e.get("id") if isinstance(e, dict) else e) for e in entries))
        known = mark in self._pages
        self._pages.add(mark)
        return known
