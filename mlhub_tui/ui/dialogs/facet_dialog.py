"""What the tree can be narrowed by, to tick: tags and keywords, types, licences, with their numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from ..navigation.tree_query import TITLES, Facet, FacetCount, facet_counts, facets_of, toggled
from ..terminal.characters import line
from ..terminal.dispatch import Dialog
from ..widgets.form import TextField
from ..widgets.pick_list import PickLine, PickList

if TYPE_CHECKING:
    from ..catalog.catalog_tree import CatalogTree


class FacetScreen(Dialog[None]):
    """Lists; what is typed narrows the list, Enter ticks, and the tree behind follows at once.

    Parameters
    ----------
    tree
        The tree.
    apply
        Called with the words of the filter to use.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close", show=False),
        Binding("down", "step(1)", "down", show=False, priority=True),
        Binding("up", "step(-1)", "up", show=False, priority=True),
        Binding("pagedown", "step(10)", "page down", show=False, priority=True),
        Binding("pageup", "step(-10)", "page up", show=False, priority=True),
    ]
    CSS = """
    FacetScreen > .dialog { width: 64; padding: 0 1; }
    FacetScreen PickList { height: 16; }
    FacetScreen.-short PickList { height: 8; }
    """
    AUTO_FOCUS = "TextField"

    def __init__(self, tree: CatalogTree, apply: Callable[[str], None]) -> None:
        super().__init__()
        self._tree, self._apply = tree, apply
        self._offers: dict[str, list[FacetCount]] = {}
        self._facets: dict[str, Facet] = {}
        self._chosen: set[str] = set()
        self._dialog = Vertical(classes="dialog")
        self._part = TextField(placeholder="part of a tag, type or licence", id="part")
        self._picks = PickList(lambda key: "[x]" if key in self._chosen else "[ ]")

    def compose(self) -> ComposeResult:
        """Lay out the list below its filter."""
        with self._dialog as dialog:
            dialog.border_subtitle = line("type to narrow the list, enter ticks, esc closes")
            yield self._part
            yield self._picks

    def on_mount(self) -> None:
        """Show what there is."""
        self.count_facets()

    def count_facets(self) -> None:
        """Count anew: the tree shows other entries."""
        chosen = facets_of(self._tree.filter)
        self._chosen = {facet.written().casefold() for facet in chosen}
        self._offers = facet_counts(self._tree.traits(), chosen)
        self._dialog.border_title = line(f"Narrow: {self._tree.amount}")
        self._show()

    def _show(self) -> None:
        terms = self._part.value.casefold().split()
        lines: list[PickLine] = []
        self._facets = {}
        for name, title in TITLES.items():
            found = [
                one
                for one in self._offers.get(name, ())
                if all(term in f"{title} {one.words}".casefold() for term in terms)
            ]
            if found:
                lines.append(PickLine(title))
            for one in found:
                key = one.facet.written().casefold()
                self._facets[key] = one.facet
                lines.append(PickLine(one.words, figures=f"{one.number:,}", key=key))
        self._picks.show(lines or [PickLine("nothing to narrow by")])

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        self._show()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        current = self._picks.current
        if current is not None:
            self._toggle(current.key)

    @on(PickList.Picked)
    @on(PickList.Ticked)
    def _ticked(self, message: PickList.Picked | PickList.Ticked) -> None:
        message.stop()
        self._toggle(message.key)

    def _toggle(self, key: str) -> None:
        if (facet := self._facets.get(key)) is not None:
            self._apply(toggled(self._tree.filter, facet))

    def action_step(self, step: int) -> None:
        """Move the cursor while the field keeps the keys."""
        picked = self._picks
        picked.cursor_line += step
        if picked.current is not None and not picked.current.key:  # a heading
            picked.cursor_line += 1 if step > 0 or picked.cursor_line == 0 else -1
