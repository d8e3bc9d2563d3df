"""What the tree can be narrowed by, to select: types, places, years, tags, licences, with their numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on

from ..catalog.matching import TITLES, Facet, FacetCount, facet_counts, facets_of, toggled
from ..terminal.characters import line
from ..widgets.pick_list import PickLine, PickList
from .questions import ListScreen

if TYPE_CHECKING:
    from ..catalog.catalog_tree import CatalogTree


class FacetScreen(ListScreen):
    """Lists facets; Enter selects one, and the tree behind follows at once.

    Parameters
    ----------
    tree
        The tree.
    apply
        Called with the words of the filter to use.
    """

    CSS = """
    FacetScreen > .dialog { width: 64; padding: 0 1; }
    FacetScreen PickList { height: 16; }
    FacetScreen.-short PickList { height: 8; }
    """
    keys = "type to narrow the list, enter selects, esc closes"

    def __init__(self, tree: CatalogTree, apply: Callable[[str], None]) -> None:
        super().__init__("Narrow", (), narrows=True)
        self.part.placeholder = "part of a type, task, place, year, sensor or tag"
        self._tree, self._apply = tree, apply
        self._offers: dict[str, list[FacetCount]] = {}
        self._facets: dict[str, Facet] = {}
        self._chosen: set[str] = set()
        self.picks = PickList(lambda key: "[x]" if key in self._chosen else "[ ]")

    def on_mount(self) -> None:
        """Show the facets and their counts."""
        self.count_facets()

    def count_facets(self) -> None:
        """Count again: the tree shows other entries."""
        chosen = facets_of(self._tree.filter)
        self._chosen = {facet.written().casefold() for facet in chosen}
        self._offers = facet_counts(self._tree.traits(), chosen)
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
        self.picks.show(lines or [PickLine("nothing to narrow by")])

    @on(PickList.Ticked)
    def _ticked(self, message: PickList.Ticked) -> None:
        message.stop()
        self.choose(message.key)

    def choose(self, key: str) -> None:
        """Toggle a facet."""
        if (facet := self._facets.get(key)) is not None:
            self._apply(toggled(self._tree.filter, facet))
