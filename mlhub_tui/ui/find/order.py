"""The orders in which the entries of a tree can stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...models import Entry
from .hay import day_of

if TYPE_CHECKING:
    from ..widgets.branches import CatalogTreeModel, NodeRow

LISTED = ""
ORDERS = {LISTED: "as listed", "title": "by title", "id": "by id", "newest": "newest first"}
"""The orders by their names, in the order in which a key goes through them."""


def following(order: str) -> str:
    """Return the order after one."""
    names = list(ORDERS)
    return names[(names.index(order) + 1) % len(names)] if order in ORDERS else LISTED


def arrange(branches: CatalogTreeModel, order: str) -> None:
    """Let the rows of all listings show their entries in an order; the outline is to be laid out then.

    What a filter chose is arranged too. What is no entry, as the line that loads more, stays at the end.
    """
    if order not in ORDERS or order == LISTED:
        return
    for row, listing in branches.grown.items():
        if listing is None or not (standing := listing.standing).loaded:
            continue
        rows = row.visible
        entries = [child for child in rows if isinstance(child.data, Entry)]
        if order == "newest":
            days = dict(zip(row.children or [], map(day_of, standing.traits), strict=False))
            _newest(entries, days)
        else:
            entries.sort(key=_title if order == "title" else _id)
        row.shown = [*entries, *(child for child in rows if not isinstance(child.data, Entry))]


def _newest(entries: list[NodeRow], days: dict[NodeRow, str]) -> None:
    # Those without a day come last, as they were listed.
    entries.sort(key=lambda row: days.get(row, ""), reverse=True)


def _title(row: NodeRow) -> tuple[str, str]:
    entry = row.data
    assert isinstance(entry, Entry)
    return ((entry.title or entry.id).casefold(), entry.id)


def _id(row: NodeRow) -> str:
    entry = row.data
    assert isinstance(entry, Entry)
    return (entry.id or entry.label).casefold()
