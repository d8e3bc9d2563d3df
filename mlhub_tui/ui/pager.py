"""Where a listing of pages stands: what comes next, what was left out, and why it stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..text import count, one_line

if TYPE_CHECKING:
    from ..http.pagination import PageGuard
    from ..models import Entry
    from ..sources.base import Page

REPEATS = "the server repeats its pages"


class Pager:
    """The state of one listing that grows page by page; holds no documents."""

    def __init__(self) -> None:
        self.next: str | None = None
        self.matched: int | None = None
        self.complete = False
        self.loading = False
        self.error = ""
        self.skipped = self.timeless = 0
        self.stopped = ""
        self.notes: dict[str, None] = {}
        """What could not be shown and why, each once, in order."""
        self._guard: PageGuard | None = None

    @property
    def wants_more(self) -> bool:
        """Whether another page is to be asked for."""
        return not (self.complete or self.loading or self.error)

    def take(self, page: Page[Entry]) -> bool:
        """Take note of a page; False where it was seen before: that ends the listing, as such a link does."""
        from ..http.pagination import PageGuard

        guard = self._guard = self._guard or PageGuard()
        self.matched = page.matched if page.matched is not None else self.matched
        self.skipped += page.skipped
        if page.timeless:
            from ..sources.base import without_time

            self.notes.pop(without_time(self.timeless), None)
            self.timeless += page.timeless
            self.notes[without_time(self.timeless)] = None
        self.notes |= dict.fromkeys(map(one_line, page.notes))
        sifted_empty = page.looked is not None and not page.entries
        marks = [(entry.id, entry.url) for entry in page.entries]
        seen = repeated = not sifted_empty and guard.repeats_page(marks)
        self.next = page.next
        if page.next is not None and guard.repeats_link(page.next):
            repeated = True
        self.stopped = one_line(page.stopped) or (REPEATS if repeated else "")
        self.complete = page.next is None or repeated
        return not seen or not page.entries

    def words(self, loaded: int, noun: str = "item") -> str:
        """Return how far the listing is: `30 items of 2,365`, and why it stopped."""
        total = f" of {self.matched:,}" if self.matched is not None else ""
        ended = f" (stopped: {self.stopped})" if self.stopped and loaded else ""
        return f"{count(loaded, noun, plural(noun))}{total}{ended}"


def plural(noun: str) -> str:
    """Return the plural of what a listing lists."""
    return "entries" if noun == "entry" else f"{noun}s"
