"""Settings dialog: writes changes to config.toml, preserving its comments, and applies them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from ... import paths
from ...config import Config, Setting, settings
from ...config.config import change
from ...errors import ConfigFileError
from ...text import one_line, rate
from ..terminal.characters import content, fit, line
from ..theme import theme_names
from ..widgets.form import TextField
from ..widgets.line_view import PickLine, PickList
from .base import FormDialog, ListScreen

AUTO = "auto"
GROUPS = {
    "Looks": "theme colours characters images motion units title",
    "Keys and mouse": "mouse cursor notify",
    "Start": "restore download_folder",
    "Downloads": "transfers per_host connections limit first_byte_timeout",
}
"""The settings by what they are about; keys are changed in the file, where there is room for them."""
_NAMES = 22
"""Cells before a value."""
_WORDS = {True: "yes", False: "no"}


class SettingList(PickList):
    """The settings in groups, each with its value; of those with choices the arrows take the next one.

    - `values`: The values as they are typed, by name.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space", "step(1)", "next", show=False),
        Binding("left,h", "step(-1)", "previous", show=False),
    ]
    DEFAULT_CSS = "SettingList > .line--header { color: $accent; }"

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(id="settings")
        self._values = values
        self._choices = {one.name: _choices(one) for one in settings().values()}
        self.lines = [
            one
            for group, names in GROUPS.items()
            for one in (PickLine(group), *(PickLine(name, key=name) for name in names.split()))
        ]

    @property
    def setting(self) -> Setting:
        """The setting under the cursor."""
        return settings()[self.lines[self.cursor_line].key]

    @property
    def has_choices(self) -> bool:
        """Whether the setting under the cursor is one of a few words."""
        return bool(self._choices[self.setting.name])

    def action_step(self, step: int) -> None:
        """Take the next or previous choice."""
        name, choices = self.setting.name, self._choices[self.setting.name]
        if choices:
            at = choices.index(self._values[name]) if self._values[name] in choices else -step
            self._values[name] = choices[(at + step) % len(choices)]
            self.refresh_from(self.cursor_line, 1)

    def action_cursor_down(self) -> None:
        """Go to the next setting; behind the last one, to the button."""
        self.screen.focus_next()

    async def clicked(self, x: int) -> None:
        """Take the next choice, where the mouse points at the value under the cursor."""
        if x >= _NAMES:
            self.action_step(1)

    def watch_scroll_y(self, before: float, after: float) -> None:
        """Tell of it: the field in which a value is typed moves along."""
        super().watch_scroll_y(before, after)
        self.post_message(self.Moved())

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a heading, or a setting with its value, the chosen one of its choices in brackets."""
        one, style = self.lines[number], self.line_style(number)
        if not one.key:
            return Strip([Segment(one.name, style + self.look("header"))])
        mark, look = ("▸", "cursor") if number == self.cursor_line else (" ", "quiet")
        words = fit(f"{mark} {one_line(one.key.replace('_', ' '))}", _NAMES - 1)
        name = Segment(f"{words} ", style + self.look(look))
        value, choices = self._values[one.key], self._choices[one.key]
        if not choices:
            return Strip([name, Segment(one_line(value), style)])
        offered = [f"[{word}]" if word == value else f" {word} " for word in choices]
        at = choices.index(value) if value in choices else 0
        room = width - _NAMES - 1
        while at and sum(map(len, offered[: at + 1])) + at > room:
            del offered[0]
            at -= 1
        chosen = style + self.look("header")
        shown = Strip(Segment(f"{w} ", chosen if n == at else style) for n, w in enumerate(offered))
        if shown.cell_length > room + 1:
            shown = Strip([*shown.crop(0, room), Segment("…", style)])
        return Strip([name, *shown])


class SettingsScreen(FormDialog[bool | None]):
    """One line for each setting; ctrl+s writes what changed. Keys are set in the file."""

    heading, keys = "Settings", "enter next, ← → choose, ctrl+s saves, esc cancels"
    button: ClassVar[str] = "save"
    CSS = """
    SettingsScreen > .dialog { width: 76; height: 92%; max-height: 29; padding: 0 1; }
    SettingsScreen #rows, SettingsScreen SettingList { height: 1fr; }
    SettingsScreen #value { position: absolute; width: 1fr; display: none; }
    SettingsScreen #about { height: 2; color: $muted; margin: 1 0 0 0; }
    SettingsScreen #path { color: $muted; }
    SettingsScreen.-short #about { margin: 0; }
    SettingsScreen.-short #path { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """
    AUTO_FOCUS = "SettingList"

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._before = {name: _shown(name, getattr(config, name)) for name in settings() if name != "keys"}
        self._values = dict(self._before)
        self._list = SettingList(self._values)
        self._field, self._about = TextField(id="value"), Static(id="about")
        where = line(f"{paths.config()}: keys are set there, under [keys]")
        self.rows = (Container(self._list, self._field, id="rows"), self._about, Static(where, id="path"))
        self._edited = ""
        """The setting whose value the field has."""

    def on_mount(self) -> None:
        """Go to the first setting."""
        self._list.cursor_line = 1

    def on_resize(self) -> None:
        """Put the field where its value is now."""
        self.call_after_refresh(self._place_field)

    @on(PickList.Moved)
    def _place_field(self) -> None:
        """Say what the setting under the cursor is for; give the keys to the field where it is typed."""
        one, typed = self._list.setting, not self._list.has_choices
        y = self._list.cursor_line - round(self._list.scroll_offset.y)
        self._about.update(content(one.about, "$muted"))
        self._field.display = typed and 0 <= y < self._list.size.height
        if typed:
            if self._edited != one.name:  # else what is typed may not have been taken yet
                self._edited = one.name
                with self.prevent(Input.Changed):
                    self._field.value = self._values[one.name]
                self._field.cursor_position = len(self._field.value)
            self._field.styles.offset = (_NAMES, y)
            self._field.styles.width = max(self._list.size.width - _NAMES - 1, 1)
        if not self._on_button:
            self.set_focus(self._field if typed else self._list)

    @on(Input.Changed)
    def _take_typed(self) -> None:
        """Take what is typed for the setting that the field was placed over."""
        if self._edited:
            self._values[self._edited] = self._field.value.strip()

    def focus_next(self, selector: str | type[Any] = "*") -> Widget | None:
        """Go to the next setting, also while the field has the keys; behind the last one, to the button."""
        self._take_typed()
        if self._on_button:
            self._list.focus()
            self._list.cursor_line = 0
        elif self._list.cursor_line < self._list.line_count - 1:
            self._list.cursor_line += 1
            self._place_field()  # at once: what is typed next is for it
        else:
            self.set_focus(self.query_one("#submit"))
        return self.focused

    def focus_previous(self, selector: str | type[Any] = "*") -> Widget | None:
        """Go to the previous setting, also while the field has the keys."""
        self._take_typed()
        if self._on_button:
            self.set_focus(self._list)
        else:
            self._list.cursor_line -= 1
        self._place_field()
        return self.focused

    @on(PickList.Picked)
    def commit_field(self) -> None:
        """Go to the next setting."""
        self.focus_next()

    @property
    def _on_button(self) -> bool:
        return self.focused is not None and self.focused.id == "submit"

    def action_submit(self) -> None:
        """Write the changed settings; an invalid value is reported, and nothing is written."""
        changes: dict[str, Any] = {}
        for name, typed in self._values.items():
            if typed != self._before[name]:
                try:
                    changes[name] = _as_toml(settings()[name], typed)
                except ValueError as error:
                    self.warn(f"{name}: {error}", "$warning")
                    self._list.cursor_line = [one.key for one in self._list.lines].index(name)
                    return
        if changes:
            self._write(changes)
        else:
            self.dismiss(False)

    @work(exclusive=True, group="write")
    async def _write(self, changes: dict[str, Any]) -> None:
        try:
            await asyncio.to_thread(change, changes)
        except ConfigFileError as error:
            self.warn(f"{error.message}; {error.hint}" if error.hint else error.message, "$warning")
            return
        self.dismiss(True)


class ThemeScreen(ListScreen):
    """Lists the themes; the one under the cursor is shown at once, and Esc brings back the one before."""

    CSS = """
    ThemeScreen > .dialog { width: 64; padding: 0 1; }
    ThemeScreen PickList { height: 16; }
    ThemeScreen.-short PickList { height: 8; }
    """
    keys = "type to narrow, enter chooses, esc cancels"

    def __init__(self, current: str) -> None:
        about = {AUTO: "light or dark, as the terminal is"}
        lines = [PickLine(name, about.get(name, ""), key=name) for name in (AUTO, *theme_names())]
        super().__init__("Theme", lines, "no theme is called so", narrows=True)
        self._current = current
        self._pending: Timer | None = None

    def on_mount(self) -> None:
        """Begin at the theme in use."""
        super().on_mount()
        keys = [one.key for one in self.picks.lines]
        self.picks.cursor_line = keys.index(self._current) if self._current in keys else 0

    def explain(self) -> None:
        """Show the theme under the cursor, once the cursor rests: to colour everything takes some time."""
        super().explain()
        if self._pending is not None:
            self._pending.stop()
        if (chosen := self.picks.current) is not None:
            self._pending = self.set_timer(REST, lambda: self.context.show_theme(chosen.key))


REST = 0.05
"""Seconds that the cursor rests on a theme before it is shown."""


def _choices(one: Setting) -> Sequence[str]:
    if one.name == "theme":
        return (AUTO, *theme_names())
    return tuple(_WORDS.values()) if isinstance(one.written, bool) else one.choices


def _shown(name: str, value: Any) -> str:
    """Return the value in use as it is typed."""
    if isinstance(value, bool):
        return _WORDS[value]
    if name == "limit":
        return rate(value) or "off"
    return "." if value is None else str(value)


def _as_toml(one: Setting, typed: str) -> Any:
    """Return what was typed as TOML has it; None, which takes it out of the file, where nothing was typed.

    Raises ValueError if it will not do, in words for people.
    """
    value: Any = typed or None
    if isinstance(one.written, bool):
        value = typed == _WORDS[True]
    elif isinstance(one.written, int) and typed.isascii() and typed.isdigit() and len(typed) < 9:
        value = int(typed)
    if value is not None:
        one.check(value)
    return value
