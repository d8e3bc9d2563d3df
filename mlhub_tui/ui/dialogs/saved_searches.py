"""The list of saved searches: run one again, or forget it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static

from ...errors import MLHubException
from ...sources.saved_searches import SavedSearch, SavedSearches
from ...text import count, date, one_line, redact
from ..document_cache import why
from ..search_criteria import words_of
from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog
from ..widgets.form import field
from ..widgets.pick_list import PickLine, PickList
from .questions import ConfirmScreen


class SavedScreen(Dialog[SavedSearch | None]):
    """Asks; Enter runs, `x` forgets, Esc closes.

    Parameters
    ----------
    searches
        All of them.
    here
        The source in use; its searches come first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "close", show=False),
        Binding("x,delete", "forget", "forget", show=False),
    ]
    CSS = """
    SavedScreen > .dialog { width: 100; padding: 0 1; }
    SavedScreen PickList { height: auto; min-height: 3; max-height: 16; }
    SavedScreen.-short PickList { max-height: 7; }
    SavedScreen #what { margin-top: 1; height: auto; max-height: 4; color: $muted; }
    """
    AUTO_FOCUS = "PickList"

    def __init__(self, searches: Sequence[SavedSearch], here: str) -> None:
        super().__init__()
        self._here = here
        self._searches = sorted(searches, key=lambda saved: saved.source != here)
        self._picks, self._what = PickList(), Static(id="what")

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line("Saved searches")
            dialog.border_subtitle = line("enter runs, x forgets, esc closes")
            yield self._picks
            yield self._what

    def on_mount(self) -> None:
        """Show them."""
        self._show()

    def _show(self) -> None:
        self._picks.show([self._line(saved) for saved in self._searches])
        self._say()

    def _line(self, saved: SavedSearch) -> PickLine:
        found = f"{saved.count:,}" if saved.count is not None else "?"
        return PickLine(saved.name, words_of(saved.search), f"{found}  {date(saved.when)}", saved.name)

    @property
    def _current(self) -> SavedSearch | None:
        current = self._picks.current
        name = current.key if current is not None else None
        return next((saved for saved in self._searches if saved.name == name), None)

    @on(PickList.Moved)
    def _moved(self, message: PickList.Moved) -> None:
        message.stop()
        self._say()

    def _say(self) -> None:
        saved = self._current
        words = "None yet: S on the results of a search saves it."
        if saved is not None:
            where = "this source" if saved.source == self._here else one_line(redact(saved.source))
            words = f"{words_of(saved.search)}\nin {where}"
        self._what.update(content(words))

    @on(PickList.Picked)
    def _picked(self, message: PickList.Picked) -> None:
        message.stop()
        if self._current is not None:
            self.dismiss(self._current)

    @work(exclusive=True, group="forget")
    async def action_forget(self) -> None:
        """Forget a search, once that is confirmed."""
        saved = self._current
        if saved is None:
            return
        question = f"Forget the search {one_line(saved.name)}?"
        if not await self.app.push_screen_wait(ConfirmScreen(question, yes="Forget")):
            return
        try:
            await asyncio.to_thread(SavedSearches().remove, saved.name)
        except MLHubException as error:
            self._what.update(content(f"! {why(error)}", "bold $error"))
            return
        self._searches.remove(saved)
        self._show()


LONGEST = 60
"""Characters of a name."""


class SaveScreen(Dialog[str | None]):
    """Asks; Enter saves, Esc does not.

    Parameters
    ----------
    name
        What stands in the field at first.
    taken
        Names that there are; saving under one replaces it.
    found
        How many items the search finds; None where that is not known.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "cancel", show=False)]
    AUTO_FOCUS = "#name"

    def __init__(self, name: str, taken: frozenset[str], found: int | None) -> None:
        super().__init__()
        self._name, self._taken, self._found = name, taken, found
        self._said = Static(id="said")

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line("Save the search")
            dialog.border_subtitle = line("enter saves, esc cancels")
            found = count(self._found, "item") if self._found is not None else "not known yet"
            yield Static(content(f"Found: {found}", "$muted"))
            with Horizontal(classes="row"):
                yield Label(Content("Name"), classes="name")
                yield field("name", one_line(self._name), "a name for it")
            yield self._said

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        name = one_line(event.value)
        words = "a search of this name is replaced" if name in self._taken else ""
        self._said.update(content(words, "$warning"))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        name = one_line(event.value, LONGEST)
        if name:
            self.dismiss(name)
        else:
            self._said.update(content("! type a name", "bold $error"))
