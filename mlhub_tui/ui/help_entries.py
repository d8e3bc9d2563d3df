"""What can be done on a screen: the commands of what has the focus, of the screen, of the app, and the rest.

Help and palette both show this, so that neither says what the keys do not do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from .key_bindings import COMMANDS, EVERYWHERE, AppCommand, of, show_key

if TYPE_CHECKING:
    from textual.app import App


_PACKAGE = __name__.partition(".")[0]
_KNOWN = {command.id: command for command in COMMANDS}


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """One thing that can be done.

    Parameters
    ----------
    keys
        Its keys as people write them, as they are set.
    title
        One or two words.
    words
        A sentence.
    identity
        The id of the command; empty for the keys of a dialog, which have none.
    action
        The action that does it.
    target
        What the action is of; None where it cannot be done here.
    palette
        Whether it is more than a move of the cursor.
    """

    keys: str
    title: str
    words: str
    identity: str = ""
    action: str = ""
    target: DOMNode | None = None
    palette: bool = True


@dataclass(frozen=True, slots=True)
class HelpSection:
    """The ways of one place; `here` is whether they can be gone from the screen in front."""

    name: str
    ways: tuple[HelpEntry, ...]
    here: bool = True


def sections(app: App[Any], screen: Screen[Any]) -> list[HelpSection]:
    """Return all there is: what the focus adds, the screen's, the app's, then what is elsewhere."""
    here = [*reachable(app, screen)]
    seen = {way.identity for section in here for way in section.ways}
    places = dict.fromkeys(command.where for command in COMMANDS)
    rest = [
        HelpSection(place, tuple(_told(c) for c in of(place) if c.id not in seen), False) for place in places
    ]
    return [*here, *(section for section in rest if section.ways)]


def reachable(app: App[Any], screen: Screen[Any]) -> Iterator[HelpSection]:
    """Yield what can be done on a screen, the nearest to the keys first."""
    place = getattr(screen, "place", "")
    yield from _of_focus(screen, place)
    if place:
        yield HelpSection(place, tuple(_way(command, command.action, screen) for command in of(place)))
    elif own := [_from(binding, screen) for binding in _own(screen)]:
        yield HelpSection("This dialog", tuple(own))
    if not screen.is_modal:
        yield HelpSection(EVERYWHERE, tuple(_way(command, command.action, app) for command in of(EVERYWHERE)))


def _of_focus(screen: Screen[Any], place: str) -> Iterator[HelpSection]:
    """Yield the keys of what has the focus and of what holds that, below the screen."""
    grouped: dict[str, list[HelpEntry]] = {}
    for node in screen.focused.ancestors_with_self if screen.focused is not None else ():
        if node is screen:
            break
        for binding in _own(node):
            command = _KNOWN.get(binding.id or "")
            if command is None or command.where != place:
                name = command.where if command is not None else "Here"
                grouped.setdefault(name, []).append(_from(binding, node))
    for name in sorted(grouped, key=lambda name: name == "Lists"):
        yield HelpSection(
            name, tuple({way.identity or way.keys: way for way in reversed(grouped[name])}.values())[::-1]
        )


def _own(node: DOMNode) -> Iterator[Binding]:
    """Yield the key bindings that are ours, not Textual's, and say what they do; none is yielded twice."""
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


def _from(binding: Binding, node: DOMNode) -> HelpEntry:
    command = _KNOWN.get(binding.id or "")
    if command is not None:
        return _way(command, binding.action, node)
    keys = " ".join(show_key(key) for key in binding.key.split(","))
    words = binding.description[:1].upper() + binding.description[1:]
    return HelpEntry(keys, binding.description, words, action=binding.action, target=node)


def _way(command: AppCommand, action: str, target: DOMNode) -> HelpEntry:
    told = _told(command)
    return HelpEntry(told.keys, told.title, told.words, told.identity, action, target, told.palette)


def _told(command: AppCommand) -> HelpEntry:
    """Return a command as it is told of where it cannot be run."""
    return HelpEntry(command.all_keys, command.title, command.help, command.id, palette=command.palette)


def go(app: App[Any], way: HelpEntry) -> None:
    """Do what a way does, once the screen that offered it is gone."""
    if way.identity == "app.back":
        # Where one is is left by what is innermost there, and that only the key knows.
        app.call_later(app.simulate_key, "escape")
    elif way.target is not None and (way.target is app or way.target.is_attached):
        app.call_later(app.run_action, way.action, way.target)
