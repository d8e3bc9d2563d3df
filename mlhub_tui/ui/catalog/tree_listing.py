"""Listings of a source, loaded page by page into the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import MLHubException
from ...models import Entry, EntryKind
from ...sources.base import Lacking, Page, without_id
from ...text import count, one_line
from .nodes import ActionNode, MoreNode, NoteNode, Words

if TYPE_CHECKING:
    from ...http.pagination import PageGuard


REPEATS = "the server repeats its pages"


class Pager:
    """The state of one listing that grows page by page; holds no documents."""

    def __init__(self) -> None:
        self.next: str | None = None
        self.matched: int | None = None
        self.complete = False
        self.loading = False
        self.error = ""
        self.skipped = 0
        self.lacking = Lacking()
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
        from ...http.pagination import PageGuard

        guard = self._guard = self._guard or PageGuard()
        self.matched = page.matched if page.matched is not None else self.matched
        self.skipped += page.skipped
        for line in self.lacking.notes:
            self.notes.pop(line, None)
        self.lacking = self.lacking.plus(page.lacking)
        self.notes |= dict.fromkeys(self.lacking.notes)
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


WAYS_OUT = (
    ActionNode("try again (r)", "screen.reload"),
    ActionNode("choose a profile or another root URL (3)", "app.go('profiles')"),
    ActionNode("try the sample catalog", "app.sample"),
)
"""What is offered where the top of a source could not be listed."""


class TreeListing(Pager):
    """The entries below one row, as far as they were loaded; their documents are cached in `Documents`.

    Parameters
    ----------
    noun
        What they are called, in the singular.
    at_top
        Whether it is what the source lists first, on which everything depends.
    """

    def __init__(self, noun: str, *, at_top: bool = False) -> None:
        super().__init__()
        self.noun, self.at_top = noun, at_top
        self.search_texts: list[str] = []
        """What the filter looks at, one for each entry, in order."""
        self.traits: list[str] = []
        """What the entries are narrowed and sorted by, likewise."""
        self.failure: MLHubException | None = None
        self.cached_age = ""
        """How old what is shown is, where it is not what the source says now: `as of 2 h ago`."""
        self.before: TreeListing | None = None
        """The listing that this one takes the place of, while its entries still stand."""

    @property
    def loaded(self) -> int:
        """How many entries there are."""
        return len(self.search_texts)

    @property
    def standing(self) -> TreeListing:
        """The listing whose entries are in the tree: the one before until the first of this one come."""
        return self.before if self.before is not None and not self.loaded else self

    def fail(self, error: MLHubException) -> None:
        """Remember why the next page did not come."""
        self.loading = False
        self.failure = error
        self.error = f"{error.message}: {error.hint}" if error.hint else error.message

    def retry(self) -> None:
        """Forget what went wrong."""
        self.failure, self.error = None, ""

    @property
    def amount(self) -> str:
        """How many there are: `45`, `200 of 2,365`, `200 and more`, `300, stopped`."""
        if self.matched is not None and self.matched > self.loaded:
            return f"{self.loaded:,} of {self.matched:,}"
        rest = ", stopped" if self.stopped else "" if self.complete else " and more"
        return f"{self.loaded:,}{rest}"

    def tail(self) -> list[Words]:
        """Return the lines below the entries: what is missing, why, and the way on."""
        lines: list[Words] = []
        if self.error:
            if self.at_top and self.failure is not None and (self.cached_age or not self.loaded):
                return [NoteNode(self.failure.message, error=True), *WAYS_OUT]
            # On a line of its own: the reason may be longer than the tree is wide.
            lines = [NoteNode(self.error, error=True, retry=True), NoteNode("try again (enter)", retry=True)]
        elif not self.complete and self.loaded:
            words = "loading more…" if self.loading else "more…"
            lines = [MoreNode(f"{self.words(self.loaded, self.noun)} loaded, {words}")]
        elif not self.complete and not self.at_top:
            lines = [NoteNode("loading…")]
        elif self.complete and not (self.loaded or self.notes):
            lines = [NoteNode(f"no {plural(self.noun)}{' here' if self.at_top else ''}")]
        if self.skipped and not self.notes:
            lines.append(NoteNode(without_id(self.skipped)))
        if self.complete and self.stopped:
            lines.append(NoteNode(f"stopped: {self.stopped}"))
        return [*lines, *(NoteNode(note, error=True) for note in self.notes)]


def lean(entry: Entry, collection_id: str = "") -> Entry:
    """Return an entry as the tree keeps it: without its document, unless that is an MLHub record.

    A hundred thousand are in memory: nothing is stored twice.
    """
    if entry.kind in (EntryKind.DATASET, EntryKind.MODEL):
        return entry
    title = "" if entry.title == entry.id else entry.title
    belongs = collection_id if entry.collection_id == collection_id else entry.collection_id
    return Entry(entry.kind, entry.id, title, entry.url, belongs, note=entry.note)
