"""Downloads of archives, items and assets, from the key press to the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ... import planning
from ...errors import MLHubException
from ...metadata.citation import Attribution, words_of
from ...models import Collection, CollectionRef, Document, Entry, EntryKind, MLModel
from ...text import clean, count, one_line
from .. import dialogs
from .dataset_download import ask_and_queue, download_dataset, opened
from .item_supplier import ItemSupplier, of_documents, supplies_of

if TYPE_CHECKING:
    from ...queue.service import QueueService
    from ..catalog.nodes import TreeEntry
    from ..context import AppContext
    from ..dialogs.asset_dialog import AssetChoice
    from ..document_cache import Documents
    from ..source_connection import Connection

_FEW = 25
"""Documents that are queued without a dialog on how far it is."""
_WITH_ASSETS_ALONE = (EntryKind.ITEM, EntryKind.MODEL)


async def download(
    app: AppContext,
    subjects: Sequence[TreeEntry],
    documents: Documents,
    around: TreeEntry | None = None,
) -> bool:
    """Ask about what is to be had of some entries and queue it; False where nothing was queued.

    MLHub has archives of collections, and a dataset stands for all of its own; its items, and all of other
    sources, have assets.
    """
    only_items = bool(subjects) and all(subject.entry.kind in _WITH_ASSETS_ALONE for subject in subjects)
    if only_items or not documents.has_archives:
        return await choose_assets(app, subjects, documents, around=around)
    dataset = subjects[0].dataset if len(subjects) == 1 else None
    if dataset is not None and dataset.collections and subjects[0].entry.kind is EntryKind.DATASET:
        return await download_dataset(app, dataset)
    refs: dict[str, CollectionRef] = {}
    for subject in subjects:
        entry = subject.entry
        if entry.kind is EntryKind.COLLECTION:
            refs[entry.id] = subject.ref or CollectionRef(entry.id)
        elif entry.kind is EntryKind.DATASET and subject.dataset is not None:
            refs |= {ref.id: ref for ref in subject.dataset.collections}
    if not refs:
        words = "This dataset names no collections, so there is nothing to download."
        app.notify(words if subjects else "Put the cursor on a collection or a dataset first.", markup=False)
        return False
    stated = words_of(await documents.attributions(subjects))
    return await ask_and_queue(app, list(refs.values()), stated)


@dataclass
class Queued:
    """What came of it; `why` is why the first was left out, or not all were gone through."""

    files: int = 0
    left_out: int = 0
    why: str = ""


async def choose_assets(
    app: AppContext,
    subjects: Sequence[TreeEntry],
    documents: Documents,
    *,
    keys: Sequence[str] = (),
    around: TreeEntry | None = None,
) -> bool:
    """Ask which assets of some items, collections or catalogs are wanted and queue them.

    Parameters
    ----------
    documents
        Where their documents are.
    keys
        The assets that are selected at first.
    around
        What holds the items, of which all may be chosen as well.

    Returns
    -------
    False where nothing was queued.
    """
    if not subjects:
        app.notify("Put the cursor on an item or a collection first.", markup=False)
        return False
    entries = [subject.entry for subject in (*subjects, *([around] if around is not None else []))]
    supplies = await _supplies(entries, documents, own_first=bool(keys))
    if not supplies:
        words = documents.why_not(entries[0]) or "There is nothing here that could hold assets."
        app.notify(clean(words), severity="error", markup=False)
        return False
    return await ask_and_queue_assets(app, supplies, documents, await documents.attributions(subjects), keys)


async def _supplies(entries: Sequence[Entry], documents: Documents, *, own_first: bool) -> list[ItemSupplier]:
    """Return what is to be had of some entries."""
    supplies = supplies_of(entries, documents)
    own: list[Document] = []
    for entry in entries:
        if entry.kind in (EntryKind.COLLECTION, EntryKind.CATALOG, EntryKind.MODEL):
            document = documents.of(entry) or await documents.load(entry)
            own += [document] if isinstance(document, Collection | MLModel) and document.assets else []
    if own:
        of_own = of_documents("its own assets" if len(own) == 1 else "their own assets", own)
        supplies.insert(0 if own_first else len(supplies), of_own)
    return supplies


async def ask_and_queue_assets(
    app: AppContext,
    supplies: Sequence[ItemSupplier],
    documents: Documents,
    stated: Sequence[Attribution] = (),
    keys: Sequence[str] = (),
) -> bool:
    """Ask which assets of some documents are wanted and queue them; False where nothing was queued.

    Where no attributions are `stated`, those of the first items are looked up.
    """
    there = opened(app)
    if there is None:
        return False
    choice = await app.push_screen_wait(
        dialogs.asset_dialog.AssetsScreen(supplies, app.output_dir, documents, stated, keys)
    )
    if choice is None:
        return False
    app.output_dir = choice.folder
    done = Queued()
    if not choice.supply.whole and (choice.supply.total or 0) <= _FEW:
        try:
            await _queue(*there, choice, done, _never)
        except MLHubException as error:
            app.report(error)
    else:

        async def task(progress: dialogs.questions.ProgressScreen[Queued]) -> Queued:
            await _queue(*there, choice, done, progress.again, progress.say)
            return done

        if await app.push_screen_wait(dialogs.questions.ProgressScreen("Queueing assets", task)) is None:
            done.why = done.why or "it was stopped before the end"
    _tell(app, done)
    return done.files > 0


async def _queue(
    connection: Connection,
    queue: QueueService,
    choice: AssetChoice,
    done: Queued,
    again: Callable[[MLHubException], Awaitable[bool]],
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Queue what was chosen, a page of documents in memory at a time."""
    origin = planning.assets.DocumentOrigin(
        connection.job_source, connection.source.kind, connection.credentials.profile
    )
    looked = 0
    async for page in choice.supply.pages(again, choice.most):
        selection = await asyncio.to_thread(
            planning.assets.requests_for,
            origin,
            page.entries,
            choice.folder,
            keys=choice.keys,
            roles=choice.roles,
            if_exists=choice.if_exists,
            collection_id=choice.supply.belongs,
        )
        if selection.requests:
            await queue.add_many(selection.requests)
        looked += len(page.entries)
        done.files += len(selection.requests)
        done.left_out += len(selection.left_out) + page.skipped
        reasons = (*(entry.why for entry in selection.left_out[:1]), *page.notes[:1], page.stopped)
        done.why = done.why or next(filter(None, reasons), "")
        total = page.matched if page.matched is not None else choice.supply.total
        of = f" of {min(total, choice.most or total):,}" if total is not None else ""
        say(f"{looked:,}{of} items, {count(done.files, 'file')} queued")


def _tell(app: AppContext, done: Queued) -> None:
    words = (
        f"{count(done.files, 'file')} queued. 2 shows the downloads." if done.files else "Nothing was queued."
    )
    if done.left_out:
        words += f"\n{done.left_out:,} left out: {one_line(done.why, 200)}"
    elif done.why:
        words += f"\n{one_line(done.why, 200)}"
    good = done.files > 0 and not done.why
    app.notify(clean(words), severity="information" if good else "warning", markup=False, timeout=8)


async def _never(_: MLHubException) -> bool:
    return False
