"""The map of a search's results: beside the table on wide terminals, in its place on others."""

from __future__ import annotations

from ...models import Entry
from ..documents import Documents
from ..widgets.entries import TreeEntry
from .items_on_map import ItemsOnMap


class ResultsMap(ItemsOnMap):
    """Results with a map that `m` shows."""

    _documents: Documents

    def action_map(self) -> None:
        """Show the items on a map; again, give it the keys; once more, hide it."""
        pane, table = self.map_pane, self.table
        if not self.has_class("-map"):
            self.add_class("-map")
            pane.highlight(table.current)
            if not self.has_class("-wide"):
                pane.focus()
        elif pane.has_focus_within:
            self.hide_map()
        else:
            pane.focus()

    def hide_map(self) -> bool:
        """Show the table alone; False where it is."""
        if not self.has_class("-map"):
            return False
        entry = self.map_pane.current
        self.remove_class("-map")
        table = self.table
        if entry is not None:
            table.go_to(entry)
        table.focus()
        return True

    def open_item(self, entry: Entry) -> None:
        """Open an item."""
        from .document import DocumentScreen

        self.app.push_screen(DocumentScreen(TreeEntry(entry), self._documents))
