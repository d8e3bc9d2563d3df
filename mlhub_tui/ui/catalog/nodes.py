"""Nodes and rows of the catalog tree, and the listings that they come from page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ... import http, sources
from ...auth import Kind
from ...errors import MLHubException
from ...models import Entry, EntryKind
from ...models.document import UNREADABLE
from ...text import count, one_line

if TYPE_CHECKING:
    from ...http.pagination import PageGuard
    from ...models import CollectionRef, Dataset
    from ...sources.base import Lacking, Page


OTHER = "other"
TYPE_TITLES = {"source_imagery": "Source imagery", "labels": "Labels", OTHER: "Other collections"}
MODELS = "models"


class GroupNode(NamedTuple):
    """A listing at the top of the tree, with a word on its state and, for the detail, all that is known."""

    key: str
    title: str
    note: str = ""
    detail: str = ""


class TypeNode(NamedTuple):
    """The collections of one type of an MLHub dataset."""

    kind: str
    number: int


class MoreNode(NamedTuple):
    """More entries than were loaded: reached, it loads the next page."""

    words: str


class NoteNode(NamedTuple):
    """A word in the place of entries: loading, empty, or an error; `retry` where Enter tries again."""

    words: str
    error: bool = False
    retry: bool = False


class ActionNode(NamedTuple):
    """A way out where a listing failed: Enter takes it."""

    words: str
    action: str


Words = GroupNode | TypeNode | MoreNode | NoteNode | ActionNode


Node = Entry | Words


class NodeRow:
    """A row of the tree.

    - `data`: What it stands for.
    - `foldable`: Whether it can be opened, be there children yet or not.
    - `searched`: What a filter looks at of it.
    - `facet_text`: What it is narrowed and sorted by.
    - `shown`: The children a filter leaves; None for all of them.
    """

    __slots__ = (
        *("data", "foldable", "searched", "facet_text"),
        *("is_open", "parent", "depth", "children", "shown"),
    )

    def __init__(
        self, data: Node, *, foldable: bool = False, searched: str = "", facet_text: str = ""
    ) -> None:
        self.data, self.foldable, self.searched, self.facet_text = data, foldable, searched, facet_text
        self.is_open, self.depth = False, 0
        self.parent: NodeRow | None = None
        self.children: list[NodeRow] | None = None
        self.shown: list[NodeRow] | None = None

    @property
    def visible(self) -> list[NodeRow]:
        """The children that are shown where the row is open."""
        return (self.children or []) if self.shown is None else self.shown

    @property
    def is_last(self) -> bool:
        """Whether no sibling is shown below it."""
        return self.parent is None or self.parent.visible[-1:] == [self]

    def lineage(self) -> Iterator[NodeRow]:
        """Yield the row and all above it, the nearest first; not the root."""
        row = self
        while row.parent is not None:
            yield row
            row = row.parent


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """An entry with what the tree knows around it.

    - `entry`: The entry.
    - `ref`: A collection as its MLHub dataset names it.
    - `dataset`: The MLHub dataset it belongs to.
    - `parent`: The collection or catalog that it was found in.
    """

    entry: Entry
    ref: CollectionRef | None = None
    dataset: Dataset | None = None
    parent: Entry | None = None

    @property
    def label(self) -> str:
        """Its id as it may be drawn; empty where none is known yet."""
        return entry_id(self.entry)

    @property
    def is_plannable(self) -> bool:
        """Whether a download of it can be planned: a dataset of MLHub, or what is of one, or a collection."""
        return self.dataset is not None or self.entry.kind is EntryKind.COLLECTION

    @property
    def is_document(self) -> bool:
        """Whether it has a screen of its own; an MLHub dataset is a line that opens."""
        return self.entry.kind is not EntryKind.DATASET


def node_key(node: Node, kind: Kind) -> str:
    """Return what tells a node from its siblings, the same after a reload."""
    match node:
        case Entry():
            return f"{node.kind}:{identity(node, kind)}"
        case GroupNode(key):
            return f"group:{key}"
        case TypeNode(name):
            return f"type:{name}"
    return type(node).__name__


def identity(entry: Entry, kind: Kind) -> str:
    """Return what an entry is known by: in a static catalog its URL, elsewhere its id."""
    return entry.url or entry.id if kind is Kind.STATIC else entry.id or entry.url


def entry_id(entry: Entry) -> str:
    """Return the id of an entry as it may be drawn; empty where none is known yet."""
    return (one_line(entry.id) or UNREADABLE) if entry.id else ""


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
        self.lacking: Lacking | None = None
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
        guard = self._guard = self._guard or http.pagination.PageGuard()
        self.matched = page.matched if page.matched is not None else self.matched
        self.skipped += page.skipped
        for line in self.lacking.notes if self.lacking is not None else ():
            self.notes.pop(line, None)
        self.lacking = page.lacking if self.lacking is None else self.lacking.plus(page.lacking)
        self.notes |= dict.fromkeys(self.lacking.notes)
        self.notes |= dict.fromkeys(map(one_line, page.notes))
        filtered_empty = page.looked is not None and not page.entries
        marks = [(entry.id, entry.url) for entry in page.entries]
        seen = repeated = not filtered_empty and guard.repeats_page(marks)
        self.next = page.next
        if page.next is not None and guard.repeats_link(page.next):
            repeated = True
        self.stopped = one_line(page.stopped) or (REPEATS if repeated else "")
        self.complete = page.next is None or repeated
        return not seen or not page.entries

    def words(self, loaded: int, noun: str = "item") -> str:
        """Return how far the listing is: `30 items of 2,365`, and why it stopped."""
        total = f" of {self.matched:,}" if self.matched else ""
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


class ListingStopped(MLHubException):
    """The user stopped a listing before its next page came."""


class TreeListing(Pager):
    """The entries below one row, as far as they were loaded; their documents are cached in `Documents`.

    - `noun`: What they are called, in the singular.
    - `at_top`: Whether it is what the source lists first, on which everything depends.
    """

    def __init__(self, noun: str, *, at_top: bool = False) -> None:
        super().__init__()
        self.noun, self.at_top = noun, at_top
        self.loaded = 0
        """How many entries there are."""
        self.failure: MLHubException | None = None
        self.cached_age = ""
        """How old what is shown is, where it is not what the source says now: `as of 2 h ago`."""
        self.before: TreeListing | None = None
        """The listing that this one takes the place of, while its entries still stand."""

    @property
    def in_tree(self) -> TreeListing:
        """The listing whose entries are in the tree: the one before until the first of this one come."""
        return self.before if self.before is not None and not self.loaded else self

    def fail(self, error: MLHubException) -> None:
        """Remember why the next page did not come."""
        self.loading = False
        self.failure = error
        self.error = error.full_message

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
            lines.append(NoteNode(sources.base.without_id(self.skipped)))
        if self.complete and self.stopped:
            lines.append(NoteNode(f"stopped: {self.stopped}"))
        return [*lines, *(NoteNode(note, error=True) for note in self.notes)]


def without_document(entry: Entry, collection_id: str = "") -> Entry:
    """Return an entry as the tree keeps it: without its document, unless that is an MLHub record.

    A hundred thousand are in memory: nothing is stored twice.
    """
    if entry.kind in (EntryKind.DATASET, EntryKind.MODEL):
        return entry
    title = "" if entry.title == entry.id else entry.title
    belongs = collection_id if entry.collection_id == collection_id else entry.collection_id
    return Entry(entry.kind, entry.id, title, entry.url, belongs, note=entry.note)
