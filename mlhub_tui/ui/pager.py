"""Where a listing of pages stands: what comes next, and whether it goes in circles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..text import count

if TYPE_CHECKING:
    from ..models import Document
    from ..sources.base import Page
    from ..sources.paging import PageGuard


class Pager:
    """The state of one listing that grows page by page; holds no documents."""

    def __init__(self) -> None:
        self.next: str | None = None
        self.matched: int | None = None
        self.complete = False
        self.loading = False
        self.error = ""
        self.repeated = False
        self._guard: PageGuard | None = None

    @property
    def wants_more(self) -> bool:
        """Whether another page is to be asked for."""
        return not (self.complete or self.loading or self.error)

    def take(self, page: Page[Any]) -> tuple[Document, ...]:
        """Take a page and return what is new in it; a page or link that was seen before ends the listing."""
        from ..sources.paging import PageGuard

        guard = self._guard = self._guard or PageGuard()
        self.matched = page.matched if page.matched is not None else self.matched
        self.repeated = guard.repeats_page([entry.id for entry in page.entries])
        self.next = page.next
        if page.next is not None and guard.repeats_link(page.next):
            self.repeated = True
        self.complete = page.next is None or self.repeated
        return page.entries

    def words(self, loaded: int) -> str:
        """Return how far the listing is: `30 items of 2,365 loaded`."""
        total = f" of {self.matched:,}" if self.matched is not None else ""
        ended = " (the server repeats its pages: stopped)" if self.repeated and loaded else ""
        return f"{count(loaded, 'item')}{total}{ended}"
