"""From `d` to the queue: archives where the source has them, else assets; ask where to, then queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import MLHubException
from ..models import CollectionRef, EntryKind
from ..planning.requests import ArchiveRequest
from ..text import clean, count

if TYPE_CHECKING:
    from .app import MLHubApp
    from .documents import Documents
    from .widgets.entries import TreeEntry


async def download(app: MLHubApp, subjects: Sequence[TreeEntry], documents: Documents) -> bool:
    """Ask about what is to be had of some entries and queue it; False where nothing was queued.

    MLHub has archives of collections, and a dataset stands for all of its own; its items, and all of other
    sources, have assets.
    """
    only_items = bool(subjects) and all(subject.entry.kind is EntryKind.ITEM for subject in subjects)
    if only_items or not documents.has_archives:
        from .asset_flow import choose_assets

        return await choose_assets(app, subjects, documents)
    dataset = subjects[0].dataset if len(subjects) == 1 else None
    if dataset is not None and dataset.collections and subjects[0].entry.kind is EntryKind.DATASET:
        from .dataset_flow import download_dataset

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
    return await ask_and_queue(app, list(refs.values()))


async def ask_and_queue(app: MLHubApp, refs: Sequence[CollectionRef]) -> bool:
    """Ask about the archives of collections and queue them; False where the user thought better of it."""
    from .screens.download import DownloadScreen

    connection, queue = app.connection, app.queue
    if connection is None or queue is None:
        why = app.queue_error.message if app.queue_error else "the download queue is not open yet: try again"
        app.notify(clean(why), severity="error", markup=False)
        return False
    if not connection.credentials.api_key and await wants_profiles(app):
        app.action_go("profiles")
        return False
    choice = await app.push_screen_wait(DownloadScreen(connection.source, refs, app.output_dir))
    if choice is None:
        return False
    app.output_dir = choice.folder
    queued = 0
    for ref in refs:
        request = ArchiveRequest(
            source=connection.job_source,
            profile=connection.credentials.profile,
            collection_id=ref.id,
            folder=choice.folder,
            if_exists=choice.if_exists,
            title=ref.label,
            size=choice.sizes.get(ref.id),
        )
        try:
            await queue.add(request)
            queued += 1
        except MLHubException as error:
            app.report(error)
    if queued:
        app.notify(f"{count(queued, 'archive')} queued. 2 shows the downloads.", markup=False)
    return queued > 0


async def wants_profiles(app: MLHubApp) -> bool:
    """Ask whether to choose a key first: archives need one, and transfers without wait for it."""
    from .screens.confirm import ConfirmScreen

    screen = ConfirmScreen(
        "Archives need an API key, and none is in use.",
        "Without one the transfers wait until there is.",
        yes="Open profiles",
    )
    return await app.push_screen_wait(screen)
