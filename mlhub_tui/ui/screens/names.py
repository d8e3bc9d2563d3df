"""The list of properties that a filter may name, to choose one from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from ...models import JsonDict
from ...text import count, one_line
from ..dispatch import Dialog
from ..draw import line
from ..widgets.field import TextField
from ..widgets.pick_list import PickLine, PickList

_MOST_WORDS = 8  # values of a property that are named


class NamesScreen(Dialog[str | None]):
    """Asks; what is typed narrows the list, Enter chooses, Esc does not.

    Parameters
    ----------
    names
        The lines, whose keys are the names.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", show=False),
        Binding("down", "step(1)", "down", show=False, priority=True),
        Binding("up", "step(-1)", "up", show=False, priority=True),
    ]
    CSS = """
    NamesScreen > .dialog { width: 84; padding: 0 1; }
    NamesScreen PickList { height: auto; min-height: 3; max-height: 16; }
    NamesScreen.-short PickList { max-height: 8; }
    """
    AUTO_FOCUS = "TextField"

    def __init__(self, names: Sequence[PickLine]) -> None:
        super().__init__()
        self._names = names
        self._picks = PickList()

    def compose(self) -> ComposeResult:
        """Lay out the list below its filter."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line(f"Properties: {count(len(self._names), 'name')}")
            dialog.border_subtitle = line("type to narrow, enter chooses, esc cancels")
            yield TextField(placeholder="part of a name", id="part")
            yield self._picks

    def on_mount(self) -> None:
        """Show all."""
        self._picks.show(self._names)

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        terms = event.value.casefold().split()
        hits = [one for one in self._names if all(t in f"{one.name} {one.words}".casefold() for t in terms)]
        self._picks.show(hits)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._choose()

    @on(PickList.Picked)
    def _picked(self, message: PickList.Picked) -> None:
        message.stop()
        self._choose()

    def _choose(self) -> None:
        current = self._picks.current
        if current is not None:
            self.dismiss(current.key)

    def action_step(self, step: int) -> None:
        """Move the cursor while the field keeps the keys."""
        self._picks.cursor_line += step


def names_of(schema: JsonDict) -> list[PickLine]:
    """Return the properties of a JSON schema; names that hold what cannot be typed are left out."""
    properties = schema.get("properties")
    lines: list[PickLine] = []
    for name, about in properties.items() if isinstance(properties, dict) else ():
        if not isinstance(name, str) or not name or one_line(name) != name:
            continue
        told = about if isinstance(about, dict) else {}
        lines.append(PickLine(name, _words(name, told), _kind(told), name))
    return lines


def _words(name: str, told: JsonDict) -> str:
    title = one_line(told.get("title"), 60)
    values = told.get("enum")
    several = (
        ", ".join(one_line(value, 20) for value in values[:_MOST_WORDS]) if isinstance(values, list) else ""
    )
    least, most = told.get("minimum"), told.get("maximum")
    bounds = (
        f"{one_line(least, 12)} to {one_line(most, 12)}" if least is not None and most is not None else ""
    )
    return "  ".join(filter(None, ("" if title == name else title, several, bounds)))


def _kind(told: JsonDict) -> str:
    kind = told.get("format") or told.get("type")
    return one_line("/".join(map(str, kind)) if isinstance(kind, list) else kind, 20)
