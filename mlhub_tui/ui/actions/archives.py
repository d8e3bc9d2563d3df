"""Archives of collections, from the question to the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import MLHubException
from ...models import CollectionRef
from ...options import IfExists
from ...planning.requests import ArchiveRequest
from ...text import clean, count
from .. import dialogs

if TYPE_CHECKING:
    from ...queue.service import QueueService
    from ..context import AppContext
    from ..source_connection import Connection


def opened(app: AppContext) -> tuple[Connection, QueueService] | None:
    """Return the source and the queue; None, with a message shown, while one of them is not open."""
    if app.connection is not None and app.queue is not None:
        return app.connection, app.queue
    why = app.queue_error.message if app.queue_error else "the download queue is not open yet: try again"
    app.notify(clean(why), severity="error", markup=False)
    return None


async def wants_profiles(app: AppContext) -> bool:
    """Offer the profiles where archives need a key and none is in use; True where the user goes there."""
    question = "Archives need an API key, and none is in use."
    detail = "Without one the transfers wait until there is."
    if not await dialogs.confirm(app, question, detail, yes="Open profiles"):
        return False
    app.action_go("profiles")
    return True


async def ask_and_queue(app: AppContext, refs: Sequence[CollectionRef], stated: tuple[str, str]) -> bool:
    """Ask about the archives of collections and queue them; False where the user thought better of it.

    What is `stated` of them is their licence and their citation.
    """
    there = opened(app)
    if there is None or (not there[0].credentials.api_key and await wants_profiles(app)):
        return False
    choice = await app.push_screen_wait(dialogs.DownloadScreen(there[0].source, refs, app.output_dir, stated))
    if choice is None:
        return False
    app.output_dir = choice.folder
    return await queue_archives(app, refs, choice.folder, choice.if_exists, choice.sizes)


async def queue_archives(
    app: AppContext,
    refs: Sequence[CollectionRef],
    folder: Path,
    if_exists: IfExists,
    sizes: Mapping[str, int | None],
) -> bool:
    """Queue the archives of collections; False, with a message shown, if that failed."""
    there = opened(app)
    if there is None:
        return False
    connection, queue = there
    requests = [
        ArchiveRequest(
            source=connection.job_source,
            profile=connection.credentials.profile,
            collection_id=ref.id,
            folder=folder,
            if_exists=if_exists,
            title=ref.label,
            size=sizes.get(ref.id),
        )
        for ref in refs
    ]
    try:
        await queue.add_many(requests)
    except MLHubException as error:
        app.report(error)
        return False
    app.notify(f"{count(len(requests), 'archive')} queued. 2 shows the downloads.", markup=False)
    return True
