"""The list of favourites: jump to one, or forget it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from ...text import one_line
from ..navigation.favourites import Favourite
from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog
from ..widgets.pick_list import PickLine, PickList

MarkedEntry = tuple[str, Favourite]
"""A source, and something marked of it."""


class FavouriteScreen(Dialog[MarkedEntry | None]):
    """Asks; Enter goes there, `x` forgets, Esc closes.

    Parameters
    ----------
    marked
        All of them.
    here
        The source in use; what was marked in it comes first.
    forget
        Called with what is to be forgotten.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "close", show=False),
        Binding("x,delete,asterisk", "forget", "forget", show=False),
    ]
    CSS = """
    FavouriteScreen > .dialog { width: 90; padding: 0 1; }
    FavouriteScreen PickList { height: auto; min-height: 3; max-height: 16; }
    FavouriteScreen.-short PickList { max-height: 7; }
    FavouriteScreen #what { margin-top: 1; height: auto; max-height: 3; color: $muted; }
    """
    AUTO_FOCUS = "PickList"

    def __init__(
        self, marked: Sequence[MarkedEntry], here: str, forget: Callable[[MarkedEntry], None]
    ) -> None:
        super().__init__()
        self._here, self._forget = here, forget
        self._marked = sorted(marked, key=lambda one: one[0] != here)
        self._picks, self._what = PickList(), Static(id="what")

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line("Favourites")
            dialog.border_subtitle = line("enter goes there, x forgets, esc closes")
            yield self._picks
            yield self._what

    def on_mount(self) -> None:
        """Show them."""
        self._show()

    def _show(self) -> None:
        lines = [
            PickLine(one.label, "", one.kind, str(number)) for number, (_, one) in enumerate(self._marked)
        ]
        self._picks.show(lines)
        self._say()

    @property
    def _current(self) -> MarkedEntry | None:
        current = self._picks.current
        return self._marked[int(current.key)] if current is not None else None

    @on(PickList.Moved)
    def _moved(self, message: PickList.Moved) -> None:
        message.stop()
        self._say()

    def _say(self) -> None:
        words = "None yet: * marks what is under the cursor."
        if self._current is not None:
            source, one = self._current
            where = "this source" if source == self._here else one_line(one.place or source)
            words = f"{one_line(one.id or one.url)}\nin {where}"
        self._what.update(content(words))

    @on(PickList.Picked)
    def _picked(self, message: PickList.Picked) -> None:
        message.stop()
        self.dismiss(self._current)

    def action_forget(self) -> None:
        """Forget the one under the cursor; marked again it is back."""
        if (current := self._current) is not None:
            self._marked.remove(current)
            self._forget(current)
            self._show()
