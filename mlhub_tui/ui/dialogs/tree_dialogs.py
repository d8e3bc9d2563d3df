"""Dialogs about the tree of Browse: the entry to go to, and the facets to narrow it by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType

from ...errors import MLHubException
from ...text import one_line
from ..catalog.lookup import Target, doi_of, is_url, suggestions, target_of
from ..catalog.matching import TITLES, Facet, FacetCount, facet_counts, parse, toggled
from ..catalog.tree_filter import HOLDS
from ..terminal.characters import line
from ..widgets.form import TextField
from ..widgets.line_view import PickLine
from .base import ListScreen

if TYPE_CHECKING:
    from ...sources.base import Source
    from ..catalog.catalog_tree import CatalogTree
    from ..catalog.tree_model import CatalogTreeModel

_ASK = "ask"


class _Typed(TextField):
    """The field; Tab is its own, and comes behind the letters that were typed before it."""

    completes = True
    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "screen.complete", "complete", show=False)]


class GotoScreen(ListScreen):
    """Asks; dismissed with the line under the cursor, the last of which asks the source.

    - `tree_model`: What is loaded.
    - `source`: Where the rest is looked up.
    - `arrive`: Called with what was chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", show=False)]
    CSS = """
    GotoScreen > .dialog { width: 88; padding: 0 1; }
    GotoScreen PickList { height: 10; }
    GotoScreen.-short PickList { height: 4; }
    GotoScreen #about { height: auto; max-height: 3; color: $muted; }
    """
    keys = "tab completes, enter goes there, esc cancels"

    def __init__(
        self, tree_model: CatalogTreeModel, source: Source, arrive: Callable[[Target], None]
    ) -> None:
        field = _Typed(placeholder="id, COLLECTION/ITEM, DOI, or URL of a document", id="typed")
        super().__init__("Go to", none=" ", narrows=True, field=field)
        self._tree_model, self._source, self._arrive = tree_model, source, arrive
        self._known: list[tuple[int, Target]] = []
        self._listed = ""
        """What was typed when the list was made."""
        self._then: Callable[[], None] | None = None
        """What to do once the list is that of what is typed now."""

    @property
    def typed(self) -> str:
        """What was typed."""
        return self.part.value.strip()

    def narrow(self, words: str) -> None:
        """List what may be meant."""
        self.workers.cancel_group(self, "look up")
        self.say("")
        self._suggest(self.typed)

    @work(exclusive=True, group="suggest")
    async def _suggest(self, typed: str) -> None:
        """Find what is known by that; between the keys."""
        self._known = await suggestions(self._tree_model, typed)
        lines = [self._line(number, target) for number, (_, target) in enumerate(self._known)]
        if typed:
            ask = PickLine(f"look up {one_line(typed, 60)}", "at the source", key=_ASK)
            # A whole name that is typed means that entry, not one that happens to contain it.
            named = doi_of(typed) or is_url(typed) or "/" in typed
            known = self._known and self._known[0][0] < HOLDS
            lines = [ask, *lines] if named and not known else [*lines, ask]
        self.picks.show(lines)
        self.picks.cursor_line = 0
        self._listed = typed
        if self._then is not None and typed == self.typed:
            then, self._then = self._then, None
            then()

    def _line(self, number: int, target: Target) -> PickLine:
        entry = target.entry
        title = "" if entry.title == entry.id else entry.title
        return PickLine(entry.id or entry.label, title, entry.kind.value, str(number))

    def explain(self) -> None:
        """Leave the words below the list, which say what is looked up."""

    def submit(self) -> None:
        """Choose the line under the cursor, once the list is that of what is typed: that may come faster."""
        self._once_listed(super().submit)

    def _once_listed(self, act: Callable[[], None]) -> None:
        if self._listed == self.typed:
            act()
        else:
            self._then = act

    def choose(self, key: str) -> None:
        """Go to a line, or look up what was typed."""
        if key == _ASK:
            self._look_up(self.typed)
        elif self.typed:
            self._close(self._known[int(key)][1])

    def _close(self, target: Target) -> None:
        self.dismiss(None)
        self._arrive(target)

    @work(exclusive=True, group="look up")
    async def _look_up(self, typed: str) -> None:
        self.say("looking it up… esc stops")
        try:
            target = await target_of(typed, self._source, self._tree_model)
        except MLHubException as error:
            self.say(f"! {error.full_message}", "bold $error")
            return
        self._close(target)

    def action_cancel(self) -> None:
        """Stop looking something up, else close."""
        if any(one.group == "look up" and not one.is_finished for one in self.workers):
            self.workers.cancel_group(self, "look up")
            self.say("stopped")
        else:
            self.dismiss(None)

    def action_complete(self) -> None:
        """Take the id of the line under the cursor."""
        self._once_listed(self._complete)

    def _complete(self) -> None:
        current, field = self.picks.current, self.part
        if current is not None and current.key != _ASK:
            field.value = one_line(self._known[int(current.key)][1].entry.id) or field.value
            field.cursor_position = len(field.value)


class FacetScreen(ListScreen):
    """Lists facets; Enter selects one, and the tree behind follows at once.

    - `tree`: The tree.
    - `apply`: Called with the words of the filter to use.
    """

    CSS = """
    FacetScreen > .dialog { width: 64; padding: 0 1; }
    FacetScreen PickList { height: 16; }
    FacetScreen.-short PickList { height: 8; }
    """
    keys = "type to narrow, enter selects, esc closes"

    def __init__(self, tree: CatalogTree, apply: Callable[[str], None]) -> None:
        super().__init__("Narrow", narrows=True, tick=lambda key: "[x]" if key in self._chosen else "[ ]")
        self.part.placeholder = "part of a type, task, place, year, sensor or tag"
        self._tree, self._apply = tree, apply
        self._offers: dict[str, list[FacetCount]] = {}
        self._facets: dict[str, Facet] = {}
        self._chosen: set[str] = set()

    def on_mount(self) -> None:
        """Show the facets and their counts."""
        self.count_facets()

    def count_facets(self) -> None:
        """Count again: the tree shows other entries."""
        chosen = parse(self._tree.filter).facets
        self._chosen = {facet.written().casefold() for facet in chosen}
        self._offers = facet_counts(self._tree.facet_texts(), chosen)
        self.frame.border_title = line(f"Narrow: {self._tree.amount}")
        self.narrow(self.part.value)

    def narrow(self, words: str) -> None:
        """Show the facets in whose names every word occurs."""
        terms, lines, chosen = words.casefold().split(), list[PickLine](), list[PickLine]()
        self._facets = {}
        for name, title in TITLES.items():
            offered: list[PickLine] = []
            for one in self._offers.get(name, ()):
                if all(term in f"{title} {one.words}".casefold() for term in terms):
                    key = one.facet.written().casefold()
                    self._facets[key] = one.facet
                    into = chosen if key in self._chosen else offered
                    into.append(PickLine(one.words, figures=f"{one.number:,}", key=key))
            lines += [PickLine(title), *offered] if offered else []
        lines = [PickLine("Chosen"), *chosen, *lines] if chosen else lines
        self.picks.show(lines or [PickLine("no match" if terms else "nothing to narrow by")])

    def choose(self, key: str) -> None:
        """Toggle a facet."""
        if (facet := self._facets.get(key)) is not None:
            self._apply(toggled(self._tree.filter, facet))
