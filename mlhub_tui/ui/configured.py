"""App with the settings applied: colours, characters, motion, mouse, keys, news and the first steps."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.content import Content
from textual.events import Click, DescendantFocus, Event, Key
from textual.filter import LineFilter, Monochrome, NoColor
from textual.geometry import Offset
from textual.notifications import SeverityLevel
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from .. import paths
from ..config import Config, Loaded, abilities, load
from ..config.config import nearest
from ..text import clean, use_units
from .commands import COMMANDS
from .own_keys import checked
from .terminal.characters import AsciiFilter
from .terminal.terminal_app import TerminalApp, caret_of
from .theme import DARK, LIGHT, PAINTED, PLAIN
from .widgets.bars import TO_DOWNLOADS, KeyRefused, NewsLine, Notification, two_lines

if TYPE_CHECKING:
    from textual.actions import ActionParseResult
    from textual.dom import DOMNode

    from ..options import AppOptions
    from .state import AppState

_STEPS = (
    (("list.down", "list.up", "browse.open", "browse.expand"), "down, up, open, look inside"),
    (("browse.filter", "browse.search", "browse.map"), "filter the list, search items, map"),
    (("browse.download", "app.downloads"), "download, and see how far it is"),
    (("app.open", "app.profiles"), "open another catalog, see sources"),
    (("app.help", "app.palette", "app.quit"), "all keys, any command, quit"),
)


class Tour(Static):
    """The first steps, in a frame above the hints."""

    DEFAULT_CSS = """
    Tour { height: auto; width: 1fr; background: $surface; border: round $primary-muted; padding: 0 1;
        border-title-color: $accent; border-subtitle-color: $muted; }
    """

    def __init__(self, steps: Content) -> None:
        super().__init__(steps)
        self.border_title = Content("First steps")
        self.border_subtitle = Content("any key continues; ? t shows this again")

    def on_click(self, event: Click) -> None:
        """Go away."""
        event.stop()
        self.remove()


def tour_lines() -> Content:
    """Return the five lines, with the keys as they are set."""
    keys = {command.id: command.key for command in COMMANDS}
    named = [("  ".join(keys[one] for one in ids), words) for ids, words in _STEPS]
    widest = max(len(shown) for shown, _ in named)
    return Content("\n").join(
        Content.styled(shown.ljust(widest), "bold $accent") + Content(f"  {words}") for shown, words in named
    )


MAX_MESSAGES = 200
"""Messages in the message history."""
BACKGROUND_PATIENCE = 1.0
"""Seconds within which a terminal answers what its background is."""
NEWS_TIME = 6.0
"""Seconds for which the status line shows news, unless they say another time."""


class ConfiguredApp(TerminalApp):
    """An app with its settings applied, from the first paint on, and when they change."""

    loaded: Loaded
    """The settings; read before the app is made, as they say which source it opens."""
    memory: AppState
    _tour: Widget | None = None

    def __init__(self, options: AppOptions) -> None:
        config = self.loaded.config
        if not config.restore:
            self.memory.views.clear()
        elif self.memory.screen == "downloads" and self.DEFAULT_MODE == "browse":
            # An attribute of the instance shadows the class's: Browse is not composed for nothing.
            self.__dict__["DEFAULT_MODE"] = self.memory.screen
        # Without the terminal's own colours, NO_COLOR would make greys of ours: dark ones on dark.
        super().__init__(ansi_color=True if _plain(config) else None)
        self.message_history: deque[Notification] = deque(maxlen=MAX_MESSAGES)
        self._refusal: Notification | None = None
        """Why the last key could not act, until one acts."""
        self.problems: list[str] = []
        self.draws_ascii = False
        self.shows_cursor = config.cursor
        self.follows_terminal = False
        self._unanswered: Timer | None = None
        self.uses_mouse = options.mouse and config.mouse
        self._ascii, self._no_colour = AsciiFilter(), NoColor()
        self.keys_in_use: dict[str, str] = {}
        """The keys that are not the commands' own, by command."""
        # Before the first paint, so that no style is computed twice.
        for theme in (DARK, LIGHT, PLAIN, PAINTED):
            self.register_theme(theme)
        self._set_up(replace(config, theme=options.theme) if options.theme else config)
        self.problems = [*self.loaded.problems, *self.problems]

    @property
    def cursor_position(self) -> Offset:
        """Where the terminal's own cursor goes with all that is drawn: to what the keys act on."""
        return caret_of(self.screen) if self.has_screen else Offset(0, 0)

    @cursor_position.setter
    def cursor_position(self, at: Offset) -> None:
        """Take no notice: fields say where it is to be, and may have moved since."""

    def exit(self, result: int | None = None, return_code: int = 0, message: Any = None) -> None:
        """End, and take up what is worth knowing at the next start."""
        # After a fault the screens may be in any state, and this is the way out.
        with contextlib.suppress(Exception):
            self._remember()
        super().exit(result, return_code, message)

    def _remember(self) -> None:
        self.memory.screen = self.current_mode
        if self.theme != self._theme_set:
            self.memory.theme = self.theme
        for screen in self.screens_of("browse"):
            if (keep := getattr(screen, "keep_view", None)) is not None and screen.is_attached:
                keep()

    def _set_up(self, config: Config) -> None:
        """Apply settings."""
        use_units(config.units)
        self.draws_ascii = config.characters == "ascii" or (
            config.characters == "auto" and not abilities.speaks_unicode()
        )
        self._set_colours(config)
        self._set_motion(config)
        self._set_keys(config)

    def _set_colours(self, config: Config) -> None:
        self.no_color = config.colours == "mono" or (config.colours == "auto" and abilities.no_colour())
        # What is to be done without colours is decided here, not by NO_COLOR alone as Textual does.
        self._filters = [one for one in self._filters if not isinstance(one, NoColor | Monochrome)]
        self.ansi_color = True if _plain(config) else None
        self.follows_terminal = False
        self.theme = self._theme_set = self._theme(config)

    def _theme(self, config: Config) -> str:
        if _plain(config):
            own = self.no_color or config.colours != "auto" or abilities.plain_terminal()
            return PLAIN.name if own else PAINTED.name
        if config.theme != "auto" and config.theme not in self.available_themes:
            near = nearest(config.theme, self.available_themes)
            words = f"theme: there is no theme {config.theme!r}{near}; the default is used"
            self.problems.append(clean(f"{paths.config()}: {words}"))
        for name in (config.theme, self.memory.theme):
            if name in self.available_themes:
                return name
        self.follows_terminal = True
        return self._theme_of_terminal

    @property
    def _theme_of_terminal(self) -> str:
        return LIGHT.name if self.memory.background == "light" else DARK.name

    def ask_background(self) -> None:
        """Ask the terminal whether it is light or dark, where the theme depends on it; nothing waits."""
        ask = getattr(self.terminal, "ask_background", None)
        if self.follows_terminal and ask is not None:
            ask(self.take_background)
            if self.memory.background == "light":  # of a terminal that answered, which this one may not be
                self._unanswered = self.set_timer(BACKGROUND_PATIENCE, lambda: self.take_background(False))

    def take_background(self, light: bool) -> None:
        """Take the light or the dark theme, as the terminal is."""
        if self._unanswered is not None:
            self._unanswered.stop()
        self.memory.background = "light" if light else "dark"
        if self.follows_terminal and self.theme == self._theme_set:
            self.theme = self._theme_set = self._theme_of_terminal

    @property
    def uses_own_colours(self) -> bool:
        """Whether the terminal's own 16 colours are in use, not those of a theme."""
        return _plain(self.loaded.config)

    def show_theme(self, name: str) -> None:
        """Draw in a theme; `auto` is the light or the dark one."""
        self.theme = name if name in self.available_themes else self._theme_of_terminal

    def keep_theme(self, name: str) -> None:
        """Draw in a theme from now on, also at the next start unless the settings name another."""
        self.follows_terminal = name not in self.available_themes
        self.memory.theme = "" if self.follows_terminal else name
        self._theme_set = self.theme
        self.ask_background()
        if (named := self.loaded.config.theme) != "auto":
            self.notify(f"config.toml sets {named}: it comes back with the next start.")

    def _set_motion(self, config: Config) -> None:
        if config.motion == "none" or (
            config.motion == "auto" and abilities.over_ssh() and "TEXTUAL_ANIMATIONS" not in os.environ
        ):
            self.animation_level = "none"
        elif config.motion == "full":
            self.animation_level = "full"

    def _set_keys(self, config: Config) -> None:
        if config.keys or self.keys_in_use:
            self.keys_in_use, problems = checked(config.keys)
            self.problems += [f"{paths.config()}: {problem}" for problem in problems]
            self.set_keymap(self.keys_in_use)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what every line passes through before it is written."""
        filters = [*super().get_line_filters()]
        if self.no_color:
            filters.append(self._no_colour)
        if self.draws_ascii:
            filters.append(self._ascii)
        return filters

    def apply_settings(self) -> None:
        """Read the settings again and apply them."""
        self.problems = []
        before, self.loaded = self.loaded.config.theme, load()
        config = self.loaded.config
        if config.theme != before:
            self.memory.theme = ""
        self._set_up(config)
        was, now = (self.uses_mouse, self.shows_cursor), (config.mouse, config.cursor)
        self.uses_mouse, self.shows_cursor = now
        if now != was and hasattr(self.terminal, "use_mouse"):  # our own driver, which Windows does not have
            self.terminal.use_mouse(config.mouse)
            self.terminal.show_cursor(config.cursor)
        self.ask_background()
        self.tell_problems([*self.loaded.problems, *self.problems])
        self.refresh_css(animate=False)
        self.stylesheet.update(self.screen)  # the palette is no child of the app
        for screen in self.all_screens():
            screen.refresh(layout=True)
            for widget in screen.walk_children():
                widget.refresh()

    def tell_problems(self, problems: Sequence[str]) -> None:
        """Show what is wrong with the settings: the first, and how many more; the message history has all."""
        for problem in problems[1:]:
            self._add_message(clean(problem), "warning", 0)
        if problems:
            more = f" (and {len(problems) - 1} more, see Messages)" if len(problems) > 1 else ""
            self.notify(f"{problems[0]}{more}", severity="warning", timeout=10)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show news in the status line, an error as a toast of two lines; both stay in the history.

        What is shown is cleaned here, and never taken for markup.
        """
        words = clean(f"{title}: {message}" if title else message)
        self._add_message(words, severity, timeout or NEWS_TIME)
        if severity == "error":
            self.clear_notifications()  # several would hide what is below them; the history has them all
            super().notify(
                two_lines(words, self.size.width - 8), severity=severity, timeout=timeout, markup=False
            )
            self.call_after_refresh(self._place_toast)
        elif self.has_screen:
            self._show_news()

    def refuse(self, words: str) -> None:
        """Say in the status line why a key cannot act; the next key that acts takes it away."""
        self.notify(words)
        self._refusal = self.message_history[-1]

    @on(KeyRefused)
    def _key_refused(self, message: KeyRefused) -> None:
        self.refuse(message.words)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Run an action; a refusal that was shown before it has had its time."""
        before = self._refusal
        acted = await super().run_action(action, default_namespace, namespaces)
        if acted and before is not None and self._refusal is before:
            self._refusal, before.until = None, 0.0
            if self.has_screen:
                self._show_news()
        return acted

    @property
    def _toast_shown(self) -> bool:
        """Whether a toast is on the screen in front."""
        now = time.monotonic()
        return any(one.severity == "error" and one.until > now for one in self.message_history)

    def _place_toast(self) -> None:
        """Show the toast in the half of the screen in which the cursor is not."""
        if not self.has_screen:
            return
        low = self.cursor_position.y >= self.size.height // 2
        for rack in self.screen.query("ToastRack"):
            rack.styles.dock, rack.styles.margin = ("top", (1, 0, 0, 0)) if low else ("bottom", (0, 0, 2, 0))

    def _add_message(self, words: str, severity: str, seconds: float) -> None:
        self.message_history.append(Notification(words, severity, time.monotonic() + seconds))
        level = {"error": logging.ERROR, "warning": logging.WARNING}.get(severity, logging.INFO)
        _log.log(level, "said: %s", words)

    @property
    def news(self) -> Notification | None:
        """The last news; None where there were none. An error is shown elsewhere.

        On the Downloads screen they do not say which key shows it.
        """
        last = next((one for one in reversed(self.message_history) if one.severity != "error"), None)
        if last is not None and self.current_mode == "downloads":
            return replace(last, words=last.words.replace(f" {TO_DOWNLOADS}", ""))
        return last

    def _show_news(self) -> None:
        """Show the news on the screen in front, and on the one that it is a dialog over."""
        for screen in reversed(self.screen_stack):
            lines = screen.query_children(NewsLine)
            if lines:
                lines.first().show(self.news)
            elif screen.is_attached and screen.is_mounted:
                added = NewsLine()
                screen.mount(added)
                added.show(self.news)
            if not screen.is_modal:
                return

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Let no cursor blink, in Textual's own fields either: at rest nothing goes over the line."""
        if getattr(event.widget, "cursor_blink", False):
            event.widget.cursor_blink = False  # type: ignore[attr-defined] # it has one

    # The first steps

    def offer_tour(self) -> None:
        """Show the first steps if they never were; `MLHUB_TOUR=0` leaves them out."""
        if self.memory.toured or os.environ.get("MLHUB_TOUR") == "0" or self.screen.is_modal:
            return
        self.memory.toured = True
        self.save_state()  # at once, in case the connection is lost
        self.action_tour()

    @work(group="state", exclusive=True)
    async def save_state(self) -> None:
        """Write what is remembered, now: a program that is killed writes nothing at its end."""
        await self.memory.save()

    @work(group="show-tour", exclusive=True)
    async def action_tour(self) -> None:
        """Show the first steps below the screen in front."""
        if self._tour is not None and self._tour.is_attached:
            return
        # Over a dialog they would have no place of their own.
        screen = next((one for one in reversed(self.screen_stack) if not one.is_modal), self.screen)
        self._tour = Tour(tour_lines())
        hints = [*screen.query("HintBar")]
        await screen.mount(self._tour, before=hints[0] if hints else None)

    async def on_event(self, event: Event) -> None:
        """Take the first steps away at any key, which does all the same what it is for."""
        if self._tour is not None and isinstance(event, Key):
            tour, self._tour = self._tour, None
            tour.remove()
        await super().on_event(event)
        if isinstance(event, Key) and self._toast_shown:
            self.call_after_refresh(self._place_toast)


_log = logging.getLogger(__name__)
# Without --debug nothing listens, and what nobody listens to Python would write over the screen.
_log.addHandler(logging.NullHandler())


def _plain(config: Config) -> bool:
    """Tell whether the terminal's own 16 colours are used."""
    plain = abilities.no_colour() or abilities.few_colours()
    return config.colours in ("16", "mono") or (config.colours == "auto" and plain)
