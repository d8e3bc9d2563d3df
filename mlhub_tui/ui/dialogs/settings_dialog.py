"""Settings dialog: writes changes to config.toml, preserving its comments, and applies them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, ClassVar

from textual import on, work
from textual.containers import Vertical
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Input, Static

from ... import paths
from ...config import Config, Setting, settings
from ...errors import ConfigFileError
from ...text import rate
from ..terminal.characters import content, line
from ..widgets.form import RowChoiceField, field
from .forms import FormDialog, row

_WORDS = {True: "yes", False: "no"}


class SettingsScreen(FormDialog[bool | None]):
    """One line for each setting; Enter writes what changed. Keys are set in the file."""

    heading, keys = "Settings", "enter writes, arrows choose, esc cancels"
    enter_submits: ClassVar[bool] = True
    CSS = """
    SettingsScreen > .dialog { height: 92%; max-height: 27; padding: 0 1; }
    SettingsScreen #rows { height: 1fr; overflow: hidden auto; scrollbar-size-vertical: 1; }
    SettingsScreen > .dialog Label.name { width: 17; }
    SettingsScreen #about { height: 2; color: $muted; margin: 1 0 0 0; }
    SettingsScreen #path { color: $muted; }
    SettingsScreen.-short #about { height: 1; margin: 0; }
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._before = {one.name: _shown(one.name, getattr(config, one.name)) for one in _offered()}
        self._controls = {one.name: self._control(one) for one in _offered()}
        self._about = Static(id="about")

    def rows(self) -> Iterator[Widget]:
        """Return a line for each setting, and what the one with the focus is for."""
        names = {one.name: line(one.name.replace("_", " ")).plain for one in _offered()}
        # No VerticalScroll: its keys would scroll where they are to go from line to line.
        yield Vertical(*(row(names[name], self._controls[name]) for name in names), id="rows")
        yield self._about
        yield Static(line(f"{paths.config()}: keys are set there, under [keys]"), id="path")

    def _control(self, one: Setting) -> Widget:
        value = self._before[one.name]
        if not (choices := _choices(one)):
            return field(one.name, value)
        choice = RowChoiceField(choices, id=one.name)
        choice.set_reactive(RowChoiceField.chosen, choices.index(value) if value in choices else 0)
        return choice

    @on(DescendantFocus)
    def _explain(self, event: DescendantFocus) -> None:
        one = settings().get(event.widget.id or "")
        if one is not None:
            self._about.update(content(one.about, "$muted"))

    def action_submit(self) -> None:
        """Write the changed settings; an invalid value is reported, and nothing is written."""
        changes: dict[str, Any] = {}
        for one in _offered():
            typed = self._typed(one)
            if typed != self._before[one.name]:
                try:
                    changes[one.name] = _as_toml(one, typed)
                except ValueError as error:
                    self.warn(f"{one.name}: {error}", "$warning")
                    self._controls[one.name].focus()
                    return
        if changes:
            self._write(changes)
        else:
            self.dismiss(False)

    @work(exclusive=True, group="write")
    async def _write(self, changes: dict[str, Any]) -> None:
        from ...config.write import change

        try:
            await asyncio.to_thread(change, changes)
        except ConfigFileError as error:
            self.warn(f"{error.message}; {error.hint}" if error.hint else error.message, "$warning")
            return
        self.dismiss(True)

    def _typed(self, one: Setting) -> str:
        control = self._controls[one.name]
        return control.value.strip() if isinstance(control, Input | RowChoiceField) else ""


def _offered() -> list[Setting]:
    """Return the settings that have a line; keys are changed in the file, where there is room for them."""
    return [one for one in settings().values() if one.name != "keys"]


def _choices(one: Setting) -> tuple[str, ...]:
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

    Raises
    ------
    ValueError
        If it will not do, in words for people.
    """
    value: Any = typed or None
    if isinstance(one.written, bool):
        value = typed == _WORDS[True]
    elif isinstance(one.written, int) and typed.isascii() and typed.isdigit() and len(typed) < 9:
        value = int(typed)
    if value is not None:
        one.check(value)
    return value
