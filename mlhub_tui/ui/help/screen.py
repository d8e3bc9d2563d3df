"""Help: all keys, the nearest first; what is typed behind `/` narrows them, Enter does what a key does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ..dispatch import Dialog
from ..draw import content, line
from ..widgets.find_bar import FindBar
from .key_list import KeyList
from .ways import HelpEntry, HelpSection


class HelpScreen(Dialog[HelpEntry | Literal["tour"] | None]):
    """Shows the keys; closes with what is to be done, which is the business of whoever opened it.

    Parameters
    ----------
    sections
        What can be done, the nearest first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "step_back", show=False),
        Binding("q,question_mark,f1", "dismiss(None)", show=False),
        Binding("slash", "search", show=False),
        # Of the field, whose own key it is, where it came right behind what was typed.
        Binding("down", "to_list", show=False),
        Binding("t", "dismiss('tour')", show=False),
    ]
    CSS = """
    HelpScreen > .dialog { width: 106; height: 94%; padding: 0 0 0 1; }
    HelpScreen #about { height: 3; padding: 0 1; border-top: solid $line; color: $muted; }
    HelpScreen.-short #about { height: 2; border-top: none; }
    """
    AUTO_FOCUS = "KeyList"

    def __init__(self, sections: Sequence[HelpSection]) -> None:
        super().__init__()
        self._dialog, self._about = Vertical(classes="dialog"), Static(id="about")
        self._list = KeyList(sections)
        self._bar: FindBar | None = None

    def compose(self) -> ComposeResult:
        """Lay out the list above what is said of the key under the cursor."""
        with self._dialog as dialog:
            dialog.border_title = line("Keys")
            dialog.border_subtitle = line("enter runs, / searches, t first steps, esc closes")
            yield self._list
            yield self._about

    def on_mount(self) -> None:
        """Say what is under the cursor."""
        self._explain()

    @on(KeyList.Moved)
    def _moved(self, message: KeyList.Moved) -> None:
        message.stop()
        self._explain()

    def _explain(self) -> None:
        way = self._list.current
        words = Content("Nothing is called so.")
        if way is not None:
            words = content(f"{way.keys}  ", "bold $accent") + content(way.words)
            if way.identity:
                words += content(
                    f"\n{'' if way.target else 'Not on this screen. '}In config.toml: {way.identity}"
                )
        self._about.update(words)

    @on(KeyList.Chosen)
    def _chosen(self, message: KeyList.Chosen) -> None:
        message.stop()
        way = self._list.current
        if way is not None and way.target is not None:
            self.dismiss(way)
        elif way is not None:
            words = content("That is done on another screen, where the key works.", "$warning")
            self._about.update(words)

    # Searching

    async def action_search(self) -> None:
        """Type what to look for."""
        if self._bar is None:
            self._bar = FindBar("", "a key, or what it does")
        await self._bar.open_in(self._dialog, before=self._about)

    @on(FindBar.Edited)
    def _edited(self, message: FindBar.Edited) -> None:
        message.stop()
        keys = self._list
        keys.narrow(message.value)
        if self._bar is not None:
            self._bar.say(f"{keys.found}" if message.value else "")
        self._explain()

    @on(FindBar.Closed)
    def _search_ended(self, message: FindBar.Closed) -> None:
        """Go on in the list; Esc shows all keys again."""
        message.stop()
        if not message.keep:
            if self._bar is not None:
                self._bar.remove()
                self._bar = None
            self._list.narrow("")
        self._list.focus()

    def action_to_list(self) -> None:
        """Go on in the list with what was found."""
        self._list.focus()

    def action_step_back(self) -> None:
        """Show all keys again, else close."""
        if self._bar is not None:
            self._search_ended(FindBar.Closed(keep=False))
        else:
            self.dismiss(None)
