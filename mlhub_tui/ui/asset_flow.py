"""From `d` to assets, where a source has no archives: the assets of an entry are shown to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..models import Collection, EntryKind, Item

if TYPE_CHECKING:
    from .app import MLHubApp
    from .documents import Documents
    from .widgets.entries import Subject


async def choose_assets(app: MLHubApp, subjects: Sequence[Subject], documents: Documents) -> bool:
    """Lead to the assets of the first of some entries; False: nothing is queued by looking at them.

    Parameters
    ----------
    app
        The app.
    subjects
        The items, collections or catalogs that were chosen, in order.
    documents
        Where their documents are.
    """
    if not subjects:
        app.notify("Put the cursor on an item or a collection first.", markup=False)
        return False
    subject = subjects[0]
    document = documents.of(subject.entry) or await documents.load(subject.entry)
    if document is None:
        app.notify(documents.why_not(subject.entry), severity="error", markup=False)
        return False
    has_assets = isinstance(document, Collection | Item) and bool(document.assets)
    if not has_assets:
        where = "open it and choose an item" if subject.entry.kind is not EntryKind.ITEM else "see its JSON"
        app.notify(f"This source has no archives, and {document.label} has no assets: {where}.", markup=False)
        return False
    from .screens.document import DocumentScreen

    front = app.screen
    if isinstance(front, DocumentScreen) and front.document is document:
        front.action_pane("assets")
    else:
        app.push_screen(DocumentScreen(subject, documents, "assets"))
    return False
