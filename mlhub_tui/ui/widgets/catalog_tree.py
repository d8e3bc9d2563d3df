"""The tree of datasets, collections, items and models; keeps cursor and expansion over every change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from ..commands import LISTS, TREE_ACTIONS, bindings
from .catalog_branches import CatalogBranches
from .nodes import (
    ActionNode,
    CollectionNode,
    DatasetNode,
    ItemNode,
    ModelNode,
    MoreNode,
    Node,
    NoteNode,
    label,
    shorten,
)


class CatalogTree(CatalogBranches):
    """Draws a `Catalog`; asks for items when a collection is expanded or its last loaded item is passed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(LISTS, TREE_ACTIONS),
        # Textual's tree would take Space for itself.
        Binding("space", "screen.mark", show=False),
    ]
    DEFAULT_CSS = """
    CatalogTree { background: $background;
        background-tint: $background 0%; padding: 0 0 0 1; overflow-x: hidden;
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; }
    CatalogTree:focus { background-tint: $background 0%; }
    CatalogTree > .tree--guides, CatalogTree > .tree--guides-hover, CatalogTree > .tree--guides-selected {
        color: $line; text-style: none; }
    CatalogTree > .tree--cursor { background: $primary-muted; color: $foreground; text-style: none; }
    CatalogTree:focus > .tree--cursor { background: $primary; color: $background; text-style: bold; }
    """

    @dataclass
    class Opened(Message):
        """A collection, an item or a model is to be opened."""

        node: Node

    @dataclass
    class Retry(Message):
        """A listing that failed is to be tried again; without a collection id, all of them."""

        collection_id: str = ""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.marked: set[str] = set()

    # Drawing

    def get_label_width(self, node: TreeNode[Node]) -> int:
        """Return a width without drawing: labels are cut to fit, so the tree never scrolls sideways."""
        return 1

    def render_label(self, node: TreeNode[Node], base_style: Style, style: Style) -> Text:
        """Draw a node: its mark, its label."""
        if node.data is None:
            return Text("")
        data = node.data
        marked = isinstance(data, CollectionNode) and data.ref.id in self.marked
        text = label(data, self.catalog.terms)
        arrow = ("▾ " if node.is_expanded else "▸ ") if node.allow_expand else "  "
        arrow += "✓ " if marked else ""
        text.stylize_before(style)
        depth = 0
        while (node := node.parent or self.root) is not self.root:
            depth += 1
        room = self.content_size.width - self.guide_depth * (depth + 1) - len(arrow)
        if text.cell_len > room > 8:
            text = shorten(text, room, keep_end=isinstance(data, CollectionNode | ItemNode))
        return Text(arrow, style=base_style) + text

    # Keys

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Node]) -> None:
        """Remember, and fill."""
        event.stop()
        if event.node.data is not None:
            key = event.node.data.key
            self._expanded.add(key)
            self._expanded.discard(("closed", *key))
            self._fill(event.node)

    def on_tree_node_collapsed(self, event: Tree.NodeCollapsed[Node]) -> None:
        """Remember."""
        event.stop()
        if event.node.data is not None:
            key = event.node.data.key
            self._expanded.discard(key)
            if key[0] == "type":
                self._expanded.add(("closed", *key))

    async def on_tree_node_selected(self, event: Tree.NodeSelected[Node]) -> None:
        """Open what can be opened; expand or collapse the rest."""
        event.stop()
        match event.node.data:
            case CollectionNode() | ItemNode() | ModelNode():
                self.post_message(self.Opened(event.node.data))
            case MoreNode(_, collection_id, _):
                self.post_message(self.ItemsWanted(collection_id))
            case ActionNode(_, _, action):
                await self.run_action(action)
            case NoteNode(_, _, error, collection_id):
                if error or collection_id:
                    self.post_message(self.Retry(collection_id))
            case _:
                self._toggle(event.node)

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Node]) -> None:
        """Load more when the end of what was loaded is reached."""
        if isinstance(event.node.data, MoreNode):
            self.post_message(self.ItemsWanted(event.node.data.collection_id))

    def _unfold(self, node: TreeNode[Node]) -> None:
        """Expand a node whose children stand at once, so that a key that follows fast finds them."""
        self._fill(node)
        node.expand()

    def _toggle(self, node: TreeNode[Node]) -> None:
        if node.is_expanded:
            node.collapse()
        else:
            self._unfold(node)

    def expand_current(self) -> None:
        """Expand the node under the cursor; expanded already, go to its first child."""
        node = self.cursor_node
        if node is None or not node.allow_expand:
            return
        if not node.is_expanded:
            self._unfold(node)
        elif node.children:
            self.move_cursor(node.children[0])
            self.scroll_to_line(self.cursor_line, animate=False)

    def collapse_current(self) -> None:
        """Collapse the node under the cursor; collapsed already, go to its parent."""
        node = self.cursor_node
        if node is None:
            return
        if node.allow_expand and node.is_expanded:
            node.collapse()
        elif node.parent is not None and node.parent is not self.root:
            self.move_cursor(node.parent)
            self.scroll_to_line(self.cursor_line, animate=False)

    def toggle_mark(self) -> None:
        """Mark or unmark the collection under the cursor; on other nodes, expand or collapse."""
        data = self.current
        if isinstance(data, CollectionNode):
            self.marked.symmetric_difference_update({data.ref.id})
            self._invalidate_labels()
            self.action_cursor_down()
        elif self.cursor_node is not None and self.cursor_node.allow_expand:
            self._toggle(self.cursor_node)

    def _invalidate_labels(self) -> None:
        self._clear_line_cache()
        self.refresh()

    def first_match(self) -> None:
        """Put the cursor on the first node that matches the filter."""
        self.cursor_line = -1
        self.next_match(1)

    def next_match(self, step: int) -> None:
        """Go to the next (1) or previous (-1) match of the filter, around the end."""
        lines = self.last_line + 1
        for distance in range(1, lines + 1):
            number = (max(self.cursor_line, -1) + step * distance) % lines
            node = self.get_node_at_line(number)
            if node is not None and node.data is not None and self._matches(node.data):
                self.cursor_line = number
                self.scroll_to_line(number, animate=False)
                return

    def _matches(self, data: Node) -> bool:
        match data:
            case CollectionNode(_, ref):
                return self.catalog.matches(ref)
            case DatasetNode(_, dataset):
                # A dataset found only by a collection's id gives the place to that collection.
                return not any(self.catalog.matches(ref) for ref in dataset.collections)
            case ModelNode():
                return bool(self.catalog.terms)
        return False
