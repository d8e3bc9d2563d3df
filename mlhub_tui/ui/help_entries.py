"""The commands of what has the focus, of the screen and of the app, for help and palette."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from .commands import COMMANDS, EVERYWHERE, LISTS, AppCommand, command, of

if TYPE_CHECKING:
    from textual.app import App

_PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """A command, or a key of a dialog as one without an id; `target` is None where it cannot be run."""

    command: AppCommand
    action: str = ""
    target: DOMNode | None = None


@dataclass(frozen=True, slots=True)
class HelpSection:
    """The commands of one place; `here` is whether they work on the screen in front."""

    name: str
    entries: tuple[HelpEntry, ...]
    here: bool = True


def sections(app: App[Any], screen: Screen[Any]) -> list[HelpSection]:
    """Return all commands: what the focus adds, the screen's, the app's, then those of other screens."""
    here = [*reachable(app, screen)]
    seen = {entry.command.id for section in here for entry in section.entries}
    found = list(here)
    for place in dict.fromkeys(one.where for one in COMMANDS):
        rest = tuple(HelpEntry(one) for one in of(place) if one.id not in seen)
        found += [HelpSection(place, rest, False)] if rest else []
    return found


def reachable(app: App[Any], screen: Screen[Any]) -> Iterator[HelpSection]:
    """Yield what can be done on a screen, the nearest to the keys first."""
    place = getattr(screen, "place", "")
    yield from _of_focus(screen, place)
    if place:
        yield HelpSection(place, tuple(HelpEntry(one, one.action, screen) for one in of(place)))
    elif own := [_entry(binding, screen) for binding in own_bindings(screen)]:
        yield HelpSection("This dialog", tuple(own))
    if not screen.is_modal:
        yield HelpSection(EVERYWHERE, tuple(HelpEntry(one, one.action, app) for one in of(EVERYWHERE)))


def _of_focus(screen: Screen[Any], place: str) -> Iterator[HelpSection]:
    """Yield the keys of what has the focus and of what holds that, below the screen."""
    grouped: dict[str, dict[str, HelpEntry]] = {}
    for node in screen.focused.ancestors_with_self if screen.focused is not None else ():
        if node is screen:
            break
        for binding in own_bindings(node):
            entry = _entry(binding, node)
            if entry.command.where != place:
                grouped.setdefault(entry.command.where, {}).setdefault(entry.command.id or binding.key, entry)
    for name in sorted(grouped, key=lambda name: name == LISTS):
        yield HelpSection(name, tuple(grouped[name].values()))


def own_bindings(node: DOMNode) -> Iterator[Binding]:
    """Yield the key bindings of a node that are ours, not Textual's, and say what they do; each once."""
    taken: set[str] = set()
    for kind in type(node).__mro__:
        if kind.__module__.partition(".")[0] != _PACKAGE:
            continue
        for binding in vars(kind).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.description and binding.key not in taken:
                taken.add(binding.key)
                yield binding
        if not getattr(kind, "_inherit_bindings", True):
            return


def _entry(binding: Binding, node: DOMNode) -> HelpEntry:
    words = binding.description
    known = command(binding.id)
    one = known or AppCommand("", binding.key, binding.action, words, words[:1].upper() + words[1:], "Here")
    return HelpEntry(one, binding.action, node)


def run_entry(app: App[Any], entry: HelpEntry) -> None:
    """Run a command, once the screen that offered it is gone."""
    if entry.command.id == "app.back":
        # What the key does depends on the innermost widget, which only the key finds.
        app.call_later(app.simulate_key, "escape")
    elif entry.target is not None and (entry.target is app or entry.target.is_attached):
        app.call_later(app.run_action, entry.action, entry.target)
