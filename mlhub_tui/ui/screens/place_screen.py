"""What the screens share: the bar above, the hints below, and a sentence where the terminal is too small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static

from ...errors import MLHubException
from ..key_bindings import COMMANDS, EVERYWHERE, AppCommand, hints
from ..messages import ConnectionChanged, QueueChanged
from ..terminal.first_paint import FirstPaintScreen
from ..widgets.bars import HintBar, TopBar

if TYPE_CHECKING:
    from ..context import AppContext


class PlaceScreen(FirstPaintScreen):
    """A screen with a top bar and a hint bar; `place` names its commands."""

    place: ClassVar[str] = ""
    mode: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self.top_bar, self.hint_bar = TopBar(), HintBar()

    @property
    def context(self) -> AppContext:
        """The app."""
        return cast("AppContext", self.app)

    @property
    def closing(self) -> bool:
        """Whether the screen is being taken down, or the app: an answer that comes now is shown to nobody."""
        return self.is_closed or not (self.app.is_running and self.is_attached)

    def compose(self) -> ComposeResult:
        """Lay out the bars around the body."""
        self.take_up_size()
        yield self.top_bar
        with Container(id="body"):
            yield from self.compose_body()
        yield Static("mlhub-tui needs 40 columns and 10 rows", id="too-small")
        self.refresh_hints()
        yield self.hint_bar

    def compose_body(self) -> ComposeResult:
        """Lay out what is between the bars."""
        yield from ()

    def hint_commands(self) -> list[AppCommand]:
        """Return the commands for the hint bar."""
        return hints(self.place)

    def on_mount(self) -> None:
        """Fill the bars."""
        self.top_bar.active = self.mode
        self.show_source()
        self.show_activity()

    def on_screen_resume(self) -> None:
        """Catch up with what changed while another screen was in front."""
        self.show_source()
        self.show_activity()

    def show_source(self) -> None:
        """Name the source in the top bar."""
        context = self.context
        name = (
            context.connection.name
            if context.connection
            else "connecting…"
            if context.connecting
            else "no source"
        )
        self.top_bar.source = name

    def show_activity(self) -> None:
        """Say in the top bar how far the transfers are."""
        self.top_bar.activity = self.context.activity

    def on_connection_changed(self, _: ConnectionChanged) -> None:
        """Name the new source."""
        self.show_source()

    def on_queue_changed(self, message: QueueChanged) -> None:
        """Show how far the transfers are; the news came from the app and goes no further."""
        message.stop()
        if self.is_current:
            self.show_activity()

    async def offer_profiles(self, words: str, error: MLHubException) -> None:
        """Offer the profile screen, from a worker: a missing or refused key is no failure."""
        from ..dialogs.questions import ConfirmScreen

        if await self.app.push_screen_wait(ConfirmScreen(words, error.message, yes="Open profiles")):
            self.context.action_go("profiles")

    def refresh_hints(self) -> None:
        """Show the hints again where what is possible has changed."""
        self.hint_bar.show(self.hint_commands())

    async def action_run_command(self, identity: str) -> None:
        """Run a command by its id: a click on its hint."""
        for command in COMMANDS:
            if command.id == identity:
                target: Any = self.app if command.where == EVERYWHERE else self
                await self.app.run_action(command.action, target)
