"""What screens, dialogs and actions use of the app: connection, queue, output folder, state and news."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message

from ..errors import APIKeyNotFound, AuthenticationError, MLHubException
from ..options import AppOptions
from ..text import clean
from . import transfers
from .catalog.favourites import NavigationHistory
from .configured import ConfiguredApp
from .source_connection import Connection, SampleOnDemand
from .terminal import tty

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..models import Search
    from ..queue.job import Job
    from ..queue.service import QueueService
    from ..sources.base import Source
    from .actions.source_entry import Start
    from .catalog.nodes import TreeEntry
    from .document_cache import Documents
    from .transfers.marks_reader import MarksReader
    from .transfers.notifications import TransferMonitor


class QueueChanged(Message, bubble=False):
    """Something changed in the download queue; many in a row become one."""

    def can_replace(self, message: Message) -> bool:
        """Replace one that is still waiting: the queue's snapshot tells all."""
        return isinstance(message, QueueChanged)


class ConnectionChanged(Message, bubble=False):
    """Another source is in use, or the one in use could not be opened."""


class MarksChanged(Message, bubble=False):
    """Something else is downloaded, or queued, of the source in use."""


class AppContext(ConfiguredApp):
    """The app as its screens know it.

    Attributes
    ----------
    connection, connection_error
        The source in use, or why it could not be opened.
    queue, queue_error
        The download queue once it is open, or why it could not be.
    output_dir
        Where downloads go.
    cleared
        Ids of transfers that were cleared from the list and can still be brought back.
    """

    start_error: MLHubException | None

    def __init__(self, options: AppOptions) -> None:
        super().__init__(options)
        self.options = options
        self.history = NavigationHistory()
        self.sample = SampleOnDemand()
        self.connection: Connection | None = None
        self.connection_error: MLHubException | None = None
        self.connecting = False
        self.queue: QueueService | None = None
        self.queue_error: MLHubException | None = None
        self.output_dir = options.output_dir
        self.cleared: set[int] = set()

    # What the app does, which knows all screens

    def use(self, credentials: Credentials) -> None:
        """Browse with other credentials."""
        raise NotImplementedError

    def use_sample(self) -> None:
        """Browse the sample catalog."""
        raise NotImplementedError

    def lead_to_profiles(self, error: MLHubException, tried: Credentials | None = None) -> None:
        """Show the Profiles screen with an error; where only a key is missing, ask for it there."""
        raise NotImplementedError

    def show_source_form(self, start: Start | None = None) -> None:
        """Ask for a source: a URL or path, and what goes with it."""
        raise NotImplementedError

    def show_document(self, subject: TreeEntry, documents: Documents, pane: str = "overview") -> None:
        """Open a document on a screen of its own."""
        raise NotImplementedError

    def show_results(self, source: Source, search: Search, saved: str = "") -> None:
        """Run a search on a screen of its own; `saved` is the name that it is saved under."""
        raise NotImplementedError

    def action_go(self, mode: str) -> None:
        """Show one of the four places."""
        raise NotImplementedError

    def browse_at(self, place: str, wanted: str = "") -> None:
        """Open a source in Browse by its place, unless it is in use, and go to an id or URL in it."""
        raise NotImplementedError

    # What is done here

    def announce(self, news: type[ConnectionChanged | MarksChanged | QueueChanged]) -> None:
        """Tell every screen that is open."""
        for screen in self.all_screens():
            screen.post_message(news())

    @cached_property
    def transfers(self) -> TransferMonitor:
        """What is made known of the transfers; not needed for the first paint."""
        return transfers.notifications.TransferMonitor(self)

    @cached_property
    def marks(self) -> MarksReader:
        """What is downloaded of the source in use; not needed for the first paint."""
        return transfers.marks_reader.MarksReader(self, lambda: self.announce(MarksChanged))

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The transfers, as the queue knows them now."""
        return self.queue.snapshot() if self.queue is not None else ()

    @property
    def activity(self) -> str:
        """Number and progress of the running downloads, for the top bar: `↓2 41%`."""
        running = [job for job in self.jobs if job.state.running]
        if not running:
            return ""
        total = sum(job.bytes_total or 0 for job in running)
        done = sum(job.bytes_done for job in running)
        known = all(job.bytes_total for job in running)
        return f"↓{len(running)} {done * 100 // total}%" if known and total else f"↓{len(running)}"

    async def remove_cleared(self) -> None:
        """Remove from the queue what was cleared from its list."""
        gone = sorted(self.cleared)
        if gone and self.queue is not None:
            await self.queue.clear_finished(gone)
        self.cleared.difference_update(gone)

    @work(group="state", exclusive=True)
    async def save_state(self) -> None:
        """Write what is remembered, now: a program that is killed writes nothing at its end."""
        await asyncio.to_thread(self.memory.copy().write)

    def report(self, error: MLHubException) -> None:
        """Say what went wrong and what to do next; a refused key leads to the profiles."""
        words = clean(f"{error.message}\n{error.hint}" if error.hint else error.message)
        self.notify(words, severity="error", markup=False, timeout=8)
        if isinstance(error, AuthenticationError | APIKeyNotFound):
            self.announce(ConnectionChanged)

    @work(group="copy", exclusive=True)
    async def copy_text(self, text: str, what: str) -> None:
        """Copy text and say how; the text itself is shown, in case the clipboard is out of reach."""
        how = await tty.copy(clean(text), self.copy_to_clipboard)
        shown = text if len(text) <= 600 else f"{text[:599]}…"
        self.notify(clean(f"{shown} ({how})"), title=f"{what} copied", markup=False)

    def show_page(self, url: str) -> None:
        """Show and copy a page's URL; open it too where that reaches the user's own screen."""
        if not tty.over_ssh() and not self.is_headless:
            self.open_url(url)
        self.copy_text(url, "URL")
