"""What screens, dialogs and actions use of the app: connection, queue, output folder, state and news."""

from __future__ import annotations

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from textual import work
from textual.message import Message

from .. import paths, planning, queue
from ..config import abilities
from ..errors import APIKeyNotFound, AuthenticationError, MLHubException
from ..options import AppOptions
from ..text import clean
from . import transfers
from .configured import ConfiguredApp
from .source_connection import Connection, SampleOnDemand, open_connection, open_sample
from .state import NavigationHistory
from .terminal import tty

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.worker import Worker

    from ..auth import Credentials
    from ..models import Search
    from ..planning.requests import DownloadRequest
    from ..queue.job import Job
    from ..queue.service import QueueService
    from ..sources.base import Source
    from .actions.source_entry import Start
    from .catalog.loader import Documents
    from .catalog.nodes import TreeEntry
    from .transfers.notifications import MarksReader, TransferMonitor

UNDO_TIME = 10.0
"""Seconds in which cleared transfers can be brought back."""
_HAND_OVER = 2.0
"""Seconds for the transfers to end before the queue moves to the background; usually a tenth is enough."""


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

    - `connection`, `connection_error`: The source in use, or why it could not be opened.
    - `queue`, `queue_error`: The download queue once it is open, or why it could not be.
    - `output_dir`: Where downloads go.
    - `cleared`: Ids of transfers that were cleared from the list and can still be brought back.
    """

    start: Credentials | None
    """What to connect to first; None for the sample catalog, and where the user is asked."""
    start_error: MLHubException | None

    def __init__(self, options: AppOptions) -> None:
        super().__init__(options)
        self.options = options
        self.history = NavigationHistory()
        self.sample = SampleOnDemand()
        self.connection: Connection | None = None
        self.connection_error: MLHubException | None = None
        self.unopened: Credentials | None = None
        self.connecting = False
        self.queue: QueueService | None = None
        self.queue_error: MLHubException | None = None
        self.output_dir = options.output_dir
        self.cleared: set[int] = set()
        self._removal: Timer | None = None

    # What the app does, which knows all screens

    @abstractmethod
    def lead_to_profiles(self, error: MLHubException, tried: Credentials | None = None) -> None:
        """Show the Profiles screen with an error; where only a key is missing, ask for it there."""

    @abstractmethod
    def show_source_form(self, start: Start | None = None) -> Worker[None]:
        """Ask for a source: a URL or path, and what goes with it."""

    @abstractmethod
    def show_document(self, subject: TreeEntry, documents: Documents, pane: str = "overview") -> None:
        """Open a document on a screen of its own."""

    @abstractmethod
    def show_results(self, source: Source, search: Search, saved: str = "") -> None:
        """Run a search on a screen of its own; `saved` is the name that it is saved under."""

    @abstractmethod
    def show_plan(self, *parts: Any, where: str, catalog: bool) -> None:
        """Show the plan of a download; the arguments are those of `PlanScreen`."""

    @abstractmethod
    def action_go(self, mode: str) -> None:
        """Show one of the four places."""

    @abstractmethod
    def browse_at(self, place: str, wanted: str = "") -> object:
        """Open a source in Browse by its place, unless it is in use, and go to an id or URL in it."""

    # The source

    def use(self, credentials: Credentials) -> None:
        """Browse with other credentials."""
        self.connect(lambda: open_connection(credentials), credentials)

    def use_sample(self) -> None:
        """Browse the sample catalog."""
        self.connect(lambda: open_sample(self.sample))

    @work(exclusive=True, group="connect")
    async def connect(
        self, open_it: Callable[[], Awaitable[Connection]], credentials: Credentials | None = None
    ) -> None:
        """Take another source, opened with `open_it`, in place of the one there is."""
        before = self.connection
        self.start_error = None
        self.connecting, self.connection_error, self.unopened = True, None, None
        self.announce(ConnectionChanged)
        try:
            self.connection = await open_it()
            if (session := getattr(self.connection.source, "session", None)) is not None:
                session.on_wait = partial(self.notify, severity="warning", timeout=8)
            self.memory.use(self.connection.entry)
            self.save_state()
        except MLHubException as error:
            self.connection, self.connection_error, self.unopened = None, error, credentials
        finally:
            self.connecting = False
        self.announce(ConnectionChanged)
        self.post_message(QueueChanged())  # other marks count
        if before is not None:
            with contextlib.suppress(MLHubException):
                await before.source.aclose()
        if self.connection_error is not None:
            # Nothing was opened: the ways out are on that screen, and a key is asked for there.
            self.lead_to_profiles(self.connection_error, credentials)

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
        return transfers.notifications.MarksReader(self, lambda: self.announce(MarksChanged))

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

    @property
    def listed_jobs(self) -> Sequence[Job]:
        """The transfers, without those that were cleared and not removed yet."""
        return [job for job in self.jobs if job.id not in self.cleared] if self.cleared else self.jobs

    def clear_jobs(self, ids: Iterable[int]) -> None:
        """Clear transfers from the list; they are removed from the queue once it can no longer be undone."""
        self.cleared.update(ids)
        if self._removal is not None:
            self._removal.stop()
        self._removal = self.set_timer(UNDO_TIME, self._remove)

    def undo_clear(self) -> bool:
        """List again what was cleared a moment ago; False where there is nothing."""
        if self._removal is not None:
            self._removal.stop()
        any_back = bool(self.cleared)
        self.cleared.clear()
        return any_back

    @work(group="queue-command")
    async def _remove(self) -> None:
        try:
            await self.remove_cleared()
        except MLHubException as error:
            self.report(error)

    async def remove_cleared(self) -> None:
        """Remove from the queue what was cleared from its list."""
        gone = sorted(self.cleared)
        if gone and self.queue is not None:
            await self.queue.clear_finished(gone)
        self.cleared.difference_update(gone)

    # The queue

    @work(group="queue")
    async def start_queue(self) -> None:
        """Open the download queue; unfinished downloads resume."""
        try:
            service = self.queue = await asyncio.to_thread(self.make_queue)
        except (MLHubException, OSError) as error:
            self.queue_error = error if isinstance(error, MLHubException) else MLHubException(str(error))
            self.report(self.queue_error)
            return
        if notice := service.notice:
            self.notify(notice, severity="warning", timeout=10)
        self.post_message(QueueChanged())

    def make_queue(self) -> QueueService:
        """Return the download queue, at work; this blocks while the file is opened."""
        resolver = planning.resolver.Resolver(self._open_for_job)
        service = queue.service.QueueService(paths.queue(), resolver, on_change=self._queue_changed)
        service.start()
        return service

    def _queue_changed(self) -> None:
        """Take news of the queue; called from its own thread."""
        self.post_message(QueueChanged())

    async def _open_for_job(self, request: DownloadRequest) -> Any:
        """Open the source of a job; runs on the engine's loop, so it shares no client with the screens."""
        connection = self.connection
        current = connection.credentials if connection else self.start
        return await queue.run_job.open_for_job(
            request, lambda: queue.run_job.credentials_for(request, current, self.sample.credentials)
        )

    def on_queue_changed(self) -> None:
        """Pass the news on, and say what was finished while another screen is in front."""
        self.announce(QueueChanged)
        if self.queue is None or not self.queue.loaded:
            return
        self.transfers.look(self.jobs, seen=self.current_mode == "downloads")
        connection = self.connection
        subject = (connection.job_source, self.output_dir) if connection is not None else None
        self.marks.look(self.jobs, subject)

    async def hand_over(self) -> str | None:
        """Hand the queue to a background program; return a message, None if it stays here."""
        connection, service = self.connection, self.queue
        current = connection.credentials if connection and not connection.is_sample else self.start
        if service is None:
            return None
        await asyncio.to_thread(service.stop, _HAND_OVER)
        try:
            started = await asyncio.to_thread(queue.background.start, current)
        except MLHubException as error:
            await asyncio.to_thread(service.start)
            self.report(error)
            return None
        note = f"\n  note: {started.note}" if started.note else ""
        return clean(
            f"Downloads continue in the background, pid {started.pid}.\n"
            "  `mlhub-tui queue list` shows them, and so does the app;"
            f" the log is {queue.background.log_file()}{note}"
        )

    @work(group="settings", exclusive=True)
    async def apply_limits(self) -> None:
        """Have the queue read the limits of the settings."""
        if self.queue is not None:
            with contextlib.suppress(MLHubException):  # without a queue file there are no limits to look up
                await self.queue.change()

    # State, news and the clipboard

    def report(self, error: MLHubException) -> None:
        """Say what went wrong and what to do next; a refused key leads to the profiles."""
        words = clean(f"{error.message}\n{error.hint}" if error.hint else error.message)
        self.notify(words, severity="error", timeout=8)
        if isinstance(error, AuthenticationError | APIKeyNotFound):
            self.announce(ConnectionChanged)

    @work(group="copy", exclusive=True)
    async def copy_text(self, text: str, what: str) -> None:
        """Copy text and say how; the text itself is shown, in case the clipboard is out of reach."""
        how = await tty.copy(clean(text), self.copy_to_clipboard)
        shown = text if len(text) <= 600 else f"{text[:599]}…"
        self.notify(f"{shown} ({how})", title=f"{what} copied")

    def show_page(self, url: str) -> None:
        """Show and copy a page's URL; open it too where that reaches the user's own screen."""
        if not abilities.over_ssh() and not self.is_headless:
            self.open_url(url)
        self.copy_text(url, "URL")
