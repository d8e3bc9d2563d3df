"""The app: screens, source, queue and signals."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import work
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from ..config import load
from ..errors import MLHubException
from ..memory import return_free_memory, share_one_arena
from ..options import AppOptions
from . import actions, catalog, dialogs, screens
from .commands import EVERYWHERE, bindings, command, elsewhere
from .context import AppContext
from .source_connection import SAMPLE, choose_start, reopens_last
from .state import AppState
from .terminal import tty
from .terminal.terminal_app import keep_traceback, missed_while_closing

if TYPE_CHECKING:
    from textual.command import Provider
    from textual.driver import Driver

    from ..auth import Credentials
    from ..models import Search
    from ..sources.base import Source
    from .actions.source_entry import Start
    from .catalog.loader import Documents
    from .catalog.nodes import TreeEntry
    from .dialogs.help import HelpEntry


_HERE = Path(__file__).parent


IMPORTED_WHILE_IDLE = (
    "widgets.form",
    "widgets.line_view",
    "dialogs.base",
    "widgets.json_lines",
    "widgets.json_view",
    "widgets.item_table",
    "map.projection",
    "map.canvas",
    "map.footprint_map",
    "map.time_histogram",
    "map.map_pane",
    "screens.items_screen",
    "screens.document_screen",
    "widgets.plan_tree",
    "dialogs.download_dialog",
)
"""Modules that are imported between keys, one at a time: half of the first opening of what is needed most."""
_IDLE_AFTER, _IDLE_STEP = 1.0, 0.1
"""Seconds without a key before such an import, and between two of them."""
_HELP_KEYS = frozenset({"question_mark", "f1"})


class MLHubApp(AppContext):
    """The mlhub-tui app."""

    TITLE = "mlhub-tui"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {
        lambda: dialogs.help.CommandProvider
    }
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "browse": lambda: screens.browse.BrowseScreen(),
        "downloads": lambda: screens.downloads.DownloadsScreen(),
        "profiles": lambda: screens.profiles.ProfilesScreen(),
        "library": lambda: screens.library.LibraryScreen(),
    }
    DEFAULT_MODE: ClassVar[str] = "browse"
    BINDINGS: ClassVar[list[BindingType]] = bindings(EVERYWHERE)
    # The first screen's rules come with the app's: read together they are parsed once.
    CSS_PATH: ClassVar[Any] = [_HERE / "app.tcss", _HERE / "screens" / "browse.tcss"]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared so by Textual
        (0, "-tiny"),
        (40, "-narrow"),
        (76, "-normal"),
        (120, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short"), (20, "-tall")]  # noqa: RUF012 - likewise

    def __init__(self, options: AppOptions) -> None:
        self.loaded, self.memory = load(), AppState.load()
        last = self.memory.recent[0] if self.memory.recent and self.loaded.config.restore else ""
        self.start, self.start_error = choose_start(options, last)
        if last == SAMPLE and self.start is None and reopens_last(options):
            options = replace(options, sample=True)
        self.options = options
        if self.start is None and not options.sample:
            # The first screen is Profiles; an attribute of the instance shadows the class's default, so that
            # Browse is not composed, and painted, for nothing.
            self.__dict__["DEFAULT_MODE"] = "profiles"
        super().__init__(options)
        self._leaving = False
        self.last_words = ""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the colours that our own themes name, for any other theme."""
        return {"muted": "#8a8980", "line": "#4a4a5a", "primary-muted": "#2d4f67"}

    # Starting

    def on_mount(self) -> None:
        """Watch the terminal, and begin to work once the first screen is painted."""
        with contextlib.suppress(RuntimeError, ValueError):
            tty.on_end_signals(self._end)
        tty.let_threads_go()
        if self.terminal is not None and not self.is_headless:
            self.set_interval(tty.HANGUP_CHECK, self._check_terminal)
        self.app_resume_signal.subscribe(self, lambda _: self.call_later(self._repaint))
        self.ask_background()
        self.call_after_refresh(self._begin)

    def get_driver_class(self) -> type[Driver]:
        """Return our driver where Textual would take that of a POSIX terminal."""
        usual = super().get_driver_class()
        if usual.__name__ != "LinuxDriver":
            return usual
        from .terminal.driver import TerminalDriver  # not in Windows

        return TerminalDriver

    def _begin(self) -> None:
        self.tell_problems(self.problems)
        self.start_queue()
        if self.options.sample:
            self.use_sample()
        elif self.start is not None:
            self.use(self.start)
        if not self.is_headless:
            self._import_while_idle()

    @work(group="idle imports")
    async def _import_while_idle(self) -> None:
        """Import these modules, one at a time while no keys come."""
        modules = [*IMPORTED_WHILE_IDLE]
        while modules:
            await asyncio.sleep(_IDLE_STEP)
            if self.rests(_IDLE_AFTER):
                import_module(f"mlhub_tui.ui.{modules.pop(0)}")
        return_free_memory()
        gc.freeze()  # modules stay: no search for garbage, for which a key waits, goes through them

    def _repaint(self) -> None:
        self.refresh(layout=True)
        self.screen.refresh(layout=True)

    def _check_terminal(self) -> None:
        if tty.hung_up():
            self._end(1)

    def _end(self, number: int) -> None:
        """End at once and in order, on a signal or without a terminal."""
        self._leaving = True
        self.exit(128 + number)

    def apply_settings(self) -> None:
        """Read the settings again and apply them, to the queue and the output folder as well."""
        before = self.loaded.config
        super().apply_settings()
        config = self.loaded.config
        if config.download_folder != before.download_folder:
            self.output_dir = config.download_folder or Path.cwd()
        self.transfers.name_window()
        self.apply_limits()

    # The source

    def lead_to_profiles(self, error: MLHubException, tried: Credentials | None = None) -> None:
        """Show the Profiles screen with what went wrong; where only a key is missing, ask for it there."""
        self.connection_error = error
        self.action_go("profiles")
        used = tried or (self.connection.credentials if self.connection else None)
        if used is not None and actions.source_entry.lacks_key(used, error):
            self.show_source_form(actions.source_entry.of_place(used, error))

    @work(exclusive=True, group="source")
    async def show_source_form(self, start: Start | None = None) -> None:
        """Ask for a source; browse it if that is wanted, show its profile if it was saved."""
        if isinstance(self.screen, dialogs.source_form.SourceForm):
            return
        answer = await self.push_screen_wait(
            dialogs.source_form.SourceForm(start or actions.source_entry.Start())
        )
        if answer is None:
            return
        if answer.saved is not None and isinstance(self.screen, screens.profiles.ProfilesScreen):
            self.screen.settle_on(answer.saved)
        if answer.credentials is not None:
            self.use(answer.credentials)
            self.action_go("browse")

    def show_document(self, subject: TreeEntry, documents: Documents, pane: str = "overview") -> None:
        """Open a document on a screen of its own."""
        self.push_screen(screens.document_screen.DocumentScreen(subject, documents, pane))

    @work(exclusive=True, group="open in Browse")
    async def browse_at(self, place: str, wanted: str = "") -> None:
        """Open a source in Browse by its place, unless it is in use, and go to an id or URL in it."""
        self.action_go("browse")
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if isinstance(self.screen, screens.browse.BrowseScreen):
            await self.screen.navigator.visit(place, wanted)

    def show_results(self, source: Source, search: Search, saved: str = "") -> None:
        """Run a search on a screen of its own; `saved` is the name that it is saved under."""
        self.push_screen(screens.results.ResultsScreen(source, search, saved))

    def show_plan(self, *parts: Any, where: str, catalog: bool) -> None:
        """Show the plan of a download; the arguments are those of `PlanScreen`."""
        self.push_screen(screens.plan_screen.PlanScreen(*parts, where=where, catalog=catalog))

    async def action_open_source(self) -> None:
        """Open, or add, what is at a URL or path."""
        await self.opening(self.show_source_form())

    def action_find(self) -> None:
        """Ask for words, and search all known sources for them."""
        if not isinstance(self.screen, catalog.source_search.FindScreen):
            self.push_screen(
                catalog.source_search.FindScreen(self.memory.recent, self.connection, self.browse_at)
            )

    # Everywhere

    def action_go(self, mode: str) -> None:
        """Show one of the four places."""
        while len(self.screen_stack) > 1 and self.screen.is_modal:
            self.pop_screen()
        if self.current_mode != mode:
            self.switch_mode(mode)
        elif len(self.screen_stack) > 1:
            self.pop_screen()

    def action_travel(self, step: int) -> None:
        """Go back to where one was, or forward again."""
        if self.screen.is_modal:
            return
        if self.current_mode != "browse":
            self.switch_mode("browse")
            return
        browse, *above = self.screens_of("browse")
        assert isinstance(browse, screens.browse.BrowseScreen)
        if not above:
            browse.navigator.travel(browse.navigator.here(), step)
        elif len(above) == 1 and isinstance(self.screen, screens.document_screen.DocumentScreen):
            browse.navigator.travel(self.history.current or browse.navigator.here(), step)
        elif step < 0:
            self.pop_screen()

    def action_sample(self) -> None:
        """Browse the sample catalog."""
        self.use_sample()

    async def action_back(self) -> None:
        """Leave the screen in front; at the bottom nothing happens."""
        if len(self.screen_stack) > 1:
            self.pop_screen()

    @work(group="leave", exclusive=True)
    async def action_leave(self) -> None:
        """Quit; with transfers running here, ask, unless that is what is asked already."""
        running = [job for job in self.jobs if job.state.running and not job.elsewhere]
        words = None
        if running and not (self._leaving or isinstance(self.screen, dialogs.base.LeaveQuestion)):
            answer = await self.push_screen_wait(dialogs.base.LeaveQuestion(len(running)))
            if answer == "n":
                return
            if answer == "b" and (words := await self.hand_over()) is None:
                return
        self._leaving = True
        self.exit(0, message=words)

    async def action_quit(self) -> None:
        """Quit, by the key Textual has for it."""
        self.action_leave()

    async def on_unmount(self) -> None:
        """Stop the queue and the sample; unfinished downloads resume at the next start."""
        await self.memory.save()
        if self.queue is not None:
            with contextlib.suppress(MLHubException):
                await self.remove_cleared()
            await asyncio.to_thread(self.queue.stop)
        await asyncio.to_thread(self.sample.stop)

    def took_fault(self, error: Exception) -> bool:
        """Exit on a bug with one line; the traceback is saved to a file, without keys."""
        if missed_while_closing(self, error):
            return True
        if self.is_headless:
            return False
        self._leaving = True
        self.last_words = keep_traceback(error)
        self.exit(1)
        return True

    def action_manual(self) -> None:
        """Show the manual."""
        from ..manual import source  # when the manual is read

        if not isinstance(self.screen, dialogs.help.ManualScreen):
            self.push_screen(dialogs.help.ManualScreen(self.options.manual or source))

    def action_help(self) -> None:
        """Show the keys of the screen in front, and do what is chosen of them."""

        def act(chosen: HelpEntry | Literal["tour"] | None) -> None:
            if chosen == "tour":
                self.action_tour()
            elif chosen is not None:
                dialogs.help.run_entry(self, chosen)

        if not isinstance(self.screen, dialogs.help.HelpScreen):
            self.push_screen(dialogs.help.HelpScreen(dialogs.help.sections(self, self.screen)), act)

    def took_key(self, key: str) -> bool:
        """Show the keys of a dialog, which hides those of the app; else say that a key does nothing here."""
        if self.screen.is_modal:
            if key == "ctrl+c":
                self.action_help_quit()
                return True
            if key not in _HELP_KEYS or self.screen.has_class("--textual-command-palette"):
                return False
            self.action_help()
            return True
        if words := elsewhere(key):
            self.refuse(words)
        return bool(words)

    def action_help_quit(self) -> None:
        """Say which key quits: Ctrl+C, which ends other programs, may be meant for a copy."""
        known = command("app.quit")
        if known is not None:
            first = "esc closes this, then " if self.screen.is_modal else ""
            self.notify(f"{first}{known.key} quits; transfers resume at the next start.")

    def action_messages(self) -> None:
        """Show the message history."""
        if not isinstance(self.screen, dialogs.help.MessageLogScreen):
            self.push_screen(dialogs.help.MessageLogScreen(list(self.message_history)))

    def action_settings(self) -> None:
        """Change the settings."""

        def written(done: bool | None) -> None:
            if done:
                self.apply_settings()

        if not isinstance(self.screen, dialogs.settings_dialog.SettingsScreen):
            self.push_screen(dialogs.settings_dialog.SettingsScreen(self.loaded.config), written)

    def action_command_palette(self) -> None:
        """Show the command palette."""
        if not isinstance(self.screen, dialogs.help.Palette):
            self.push_screen(dialogs.help.Palette())

    def search_themes(self) -> None:
        """Show the themes to choose from, each as the cursor comes to it."""
        if self.uses_own_colours:
            self.refuse("Themes need more colours: `colours` in the settings (,).")
            return
        before = dialogs.settings_dialog.AUTO if self.follows_terminal else self.theme

        def chosen(name: str | None) -> None:
            self.show_theme(name or before)
            if name is not None:
                self.keep_theme(name)

        self.push_screen(dialogs.settings_dialog.ThemeScreen(before), chosen)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer every command that works here, with its key, and the public sources."""
        yield from dialogs.help.offered(self, screen)


def run(options: AppOptions) -> int:
    """Run the app and return its exit code; a terminal that went away while it closed is no error."""
    share_one_arena()
    app = MLHubApp(options)
    try:
        code = app.run(mouse=app.uses_mouse)
    except OSError:
        if not tty.hung_up():
            raise
        code = 129
    if app.last_words:
        # Not as the app's exit message, which would be broken into lines in the middle of a path.
        sys.stderr.write(f"{app.last_words}\n")
    return code if isinstance(code, int) else app.return_code or 0
