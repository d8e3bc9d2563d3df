"""Go to: asks for an id, a DOI or a URL, completes it from what is known, and looks up what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from ...errors import MLHubException
from ...text import one_line
from ..catalog.tree_filter import HOLDS
from ..document_cache import why
from ..navigation.lookup import Goal, doi_of, is_url, look_up
from ..navigation.reveal import Suggestion, Suggestions, placed
from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog
from ..widgets.form import TextField
from ..widgets.pick_list import PickLine, PickList

if TYPE_CHECKING:
    from ...sources.base import Source
    from ..catalog.tree_model import CatalogTreeModel


_ASK = "ask"


class _Typed(TextField):
    """The field; Tab is its own, and comes behind the letters that were typed before it."""

    completes = True
    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "screen.complete", "complete", show=False)]


class GotoScreen(Dialog[Goal | None]):
    """Asks; Enter goes to the line under the cursor, the last of which asks the source.

    Parameters
    ----------
    branches
        What is loaded.
    source
        Where the rest is looked up.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", show=False),
        Binding("down", "step(1)", "down", show=False, priority=True),
        Binding("up", "step(-1)", "up", show=False, priority=True),
    ]
    CSS = """
    GotoScreen > .dialog { width: 88; padding: 0 1; }
    GotoScreen PickList { height: 10; }
    GotoScreen.-short PickList { height: 4; }
    GotoScreen #said { height: auto; max-height: 3; color: $muted; }
    """
    AUTO_FOCUS = "#typed"

    def __init__(self, branches: CatalogTreeModel, source: Source) -> None:
        super().__init__()
        self._branches, self._source = branches, source
        self._known: list[Suggestion] = []
        self._listed = ""
        """What was typed when the list was made."""
        self._then: Callable[[], None] | None = None
        """What to do once the list is that of what is typed now."""
        self._field = _Typed(placeholder="id, COLLECTION/ITEM, DOI, or URL of a document", id="typed")
        self._picks, self._said = PickList(), Static(id="said")

    def compose(self) -> ComposeResult:
        """Lay out the list below the field."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line("Go to")
            dialog.border_subtitle = line("tab completes, enter goes there, esc cancels")
            yield self._field
            yield self._picks
            yield self._said

    @property
    def typed(self) -> str:
        """What was typed."""
        return self._field.value.strip()

    @on(Input.Changed)
    def _edited(self, event: Input.Changed) -> None:
        event.stop()
        self.workers.cancel_group(self, "look up")
        self._say("")
        self._suggest(self.typed)

    @work(exclusive=True, group="suggest")
    async def _suggest(self, typed: str) -> None:
        """Find what is known by that; between the keys."""
        found = Suggestions(self._branches, typed)
        for _ in found.steps():
            await asyncio.sleep(0)
        self._known = found.best
        lines = [self._line(number, one.goal) for number, one in enumerate(self._known)]
        if typed:
            ask = PickLine(f"look up {one_line(typed, 60)}", "at the source", key=_ASK)
            # Whoever types a whole name means that, not what happens to hold it.
            named = doi_of(typed) or is_url(typed) or "/" in typed
            known = self._known and self._known[0].rank < HOLDS
            lines = [ask, *lines] if named and not known else [*lines, ask]
        chosen = self._picks
        chosen.show(lines)
        chosen.cursor_line = 0
        self._listed = typed
        if self._then is not None and typed == self.typed:
            then, self._then = self._then, None
            then()

    def _line(self, number: int, goal: Goal) -> PickLine:
        entry = goal.entry
        title = "" if entry.title == entry.id else entry.title
        return PickLine(entry.id or entry.label, title, entry.kind.value, str(number))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._once_listed(self._choose)

    @on(PickList.Picked)
    def _picked(self, message: PickList.Picked) -> None:
        message.stop()
        self._choose()

    def _once_listed(self, act: Callable[[], None]) -> None:
        """Do something now, or once the list is that of what is typed: that may come faster."""
        if self._listed == self.typed:
            act()
        else:
            self._then = act

    def _choose(self) -> None:
        current = self._picks.current
        if current is None or not self.typed:
            return
        if current.key == _ASK:
            self._look_up(self.typed)
        else:
            self.dismiss(self._known[int(current.key)].goal)

    @work(exclusive=True, group="look up")
    async def _look_up(self, typed: str) -> None:
        self._say("looking it up… esc stops")
        try:
            found = await look_up(typed, self._source)
        except MLHubException as error:
            self._say(f"! {why(error)}", "bold $error")
            return
        self.dismiss(placed(self._branches, found))

    def _say(self, words: str, style: str = "") -> None:
        self._said.update(content(words, style))

    def action_cancel(self) -> None:
        """Stop looking something up, else close."""
        asking = [worker for worker in self.workers if worker.group == "look up" and not worker.is_finished]
        if asking:
            self.workers.cancel_group(self, "look up")
            self._say("stopped")
        else:
            self.dismiss(None)

    def action_complete(self) -> None:
        """Take the id of the line under the cursor."""
        self._once_listed(self._complete)

    def _complete(self) -> None:
        current, field = self._picks.current, self._field
        if current is not None and current.key != _ASK:
            field.value = one_line(self._known[int(current.key)].goal.entry.id) or field.value
            field.cursor_position = len(field.value)

    def action_step(self, step: int) -> None:
        """Move the cursor while the field keeps the keys."""
        self._picks.cursor_line += step
