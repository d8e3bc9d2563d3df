"""Listings: page after page of anything, with a guard against links that repeat and the reason of the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Generic, TypeVar

from ..http.pagination import REPEATED, PageGuard
from .base import Page

T = TypeVar("T")
SAME_PAGE = "the same page came again"
ALL_EMPTY = "too many empty pages came in a row"


class Listing(Generic[T]):
    """Walks through a listing; one page is in memory at a time.

    A page that fails leaves the listing where it was: asking again asks for that page alone.

    Parameters
    ----------
    fetch
        Gives the page that a `Page.next` leads to; the first one for None.

    Attributes
    ----------
    ended
        Whether there is no further page.
    stopped
        Why it ended although there may be more, in one line; empty where it just ended.
    matched
        How many there are in all, where the server says so.
    loaded
        How many entries were given so far.
    """

    def __init__(self, fetch: Callable[[str | None], Awaitable[Page[T]]]) -> None:
        self._fetch = fetch
        self._guard = PageGuard()
        self._link: str | None = None
        self.ended = False
        self.stopped = ""
        self.matched: int | None = None
        self.loaded = 0

    async def page(self) -> Page[T] | None:
        """Return the next page; None at the end."""
        if self.ended:
            return None
        page = await self._fetch(self._link)
        self.matched = page.matched if page.matched is not None else self.matched
        sifted_empty = page.looked is not None and not page.entries
        if not sifted_empty and self._guard.repeats_page([_mark(entry) for entry in page.entries]):
            self._end(SAME_PAGE if page.entries else ALL_EMPTY)
            return None
        self.loaded += len(page.entries)
        self._link, self.ended, self.stopped = page.next, page.next is None, page.stopped
        if page.next is not None and self._guard.repeats_link(page.next):
            self._end(REPEATED)
        return page

    async def entries(self, limit: int | None = None) -> AsyncGenerator[T, None]:
        """Yield up to `limit` entries, asking for a page when it is wanted."""
        left = limit
        while left is None or left > 0:
            page = await self.page()
            if page is None:
                return
            for entry in page.entries[:left]:
                yield entry
            left = None if left is None else left - len(page.entries)

    def _end(self, reason: str) -> None:
        self.ended, self.stopped = True, reason


def _mark(entry: Any) -> str:
    """Return what tells an entry from others: its identity, and where it is."""
    return f"{getattr(entry, 'id', '')}\n{getattr(entry, 'url', '')}"
