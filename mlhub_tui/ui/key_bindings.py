"""Key bindings from the table of commands, with the user's own keys."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from textual.binding import Binding, BindingType
from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys, _normalize_key_list

from ..config.config import nearest
from ..text import one_line
from .app_command import (
    BROWSE,
    DATES,
    DOCUMENT,
    DOWNLOADS,
    EVERYWHERE,
    JSON,
    LISTS,
    MAP,
    PLAN,
    PREVIEW,
    PROFILES,
    RESULTS,
    AppCommand,
    show_key,
)
from .command_table import COMMANDS

__all__ = [
    "BROWSE",
    "COMMANDS",
    "DATES",
    "DOCUMENT",
    "DOWNLOADS",
    "EVERYWHERE",
    "JSON",
    "LINE_ACTIONS",
    "LISTS",
    "MAP",
    "PLAN",
    "PREVIEW",
    "PROFILES",
    "RESULTS",
    "SCROLL_ACTIONS",
    "AppCommand",
    "bindings",
    "fitting",
    "hints",
    "key_table",
    "of",
    "show_key",
]


def of(*places: str) -> list[AppCommand]:
    """Return the commands of some places, in order."""
    return [command for place in places for command in COMMANDS if command.where == place]


_BEFORE_ALL = {"app.redraw"}
"""Commands that dialogs do not shut out."""


def bindings(place: str, actions: dict[str, str] | None = None) -> list[BindingType]:
    """Return the key bindings of a place; `actions` has a widget's own by command id."""
    renamed = actions or {}
    return [
        Binding(
            c.keys,
            renamed.get(c.id, c.action),
            c.title,
            show=False,
            id=c.id,
            key_display=c.key,
            priority=c.id in _BEFORE_ALL,
        )
        for c in of(place)
    ]


LINE_ACTIONS = {"list.top": "cursor_to(0)", "list.bottom": "cursor_to(-1)"}
SCROLL_ACTIONS = {
    "list.down": "scroll_down",
    "list.up": "scroll_up",
    "list.top": "scroll_home",
    "list.bottom": "scroll_end",
}


def hints(place: str, without: Iterable[str] = ()) -> list[AppCommand]:
    """Return the commands for the hint bar of a place, most useful first, help and quit last."""
    hidden = frozenset(without)
    shown = [c for c in of(place, EVERYWHERE) if c.hint and c.id not in hidden]
    return sorted(shown, key=lambda c: c.hint)


def fitting(commands: Sequence[AppCommand], width: int) -> list[AppCommand]:
    """Return those that fit `width` cells beside each other; help and quit (rank 90 and up) always stay."""
    kept = [c for c in commands if c.hint >= 90]
    used = sum(_cells(c) for c in kept)
    first: list[AppCommand] = []
    for command in commands:
        if command.hint < 90 and used + _cells(command) <= width:
            first.append(command)
            used += _cells(command)
    return first + kept


def _cells(command: AppCommand) -> int:
    return len(command.key) + len(command.title) + 3


def key_table() -> str:
    """Return the key table of the README, in Markdown."""
    rows = ["| where | key | what it does |", "| --- | --- | --- |"]
    screens = (EVERYWHERE, BROWSE, DOCUMENT, RESULTS, PLAN, DOWNLOADS, PROFILES)
    for place in (*screens, LISTS, MAP, DATES, PREVIEW, JSON):
        rows += [f"| {place} | {_code(c)} | {c.help} |" for c in of(place)]
    return "\n".join(rows)


def _code(command: AppCommand) -> str:
    return " ".join(f"`{show_key(key)}`" for key in command.keys.split(","))


_MODIFIERS = frozenset({"ctrl", "shift", "alt", "meta", "super", "hyper"})
_NAMED = frozenset({key.value for key in Keys if key.value[:1] != "<"} | {*KEY_NAME_REPLACEMENTS.values()})


def checked(wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the keys to use by command, and a line for each that is left out.

    Parameters
    ----------
    wanted
        Keys by the id of a command, several with commas: `j,down`, `ctrl+n`, `?`.
    """
    known = {command.id: command for command in COMMANDS}
    good, problems = {}, []
    for identity, keys in wanted.items():
        if identity not in known:
            words = f"there is no command {one_line(identity, 60)!r}{nearest(identity, known)}"
            problems.append(f"keys: {words}")
        elif bad := [key for key in keys.split(",") if not is_key(key.strip())]:
            words = f"{one_line(bad[0], 40)!r} is no key{nearest(bad[0].strip(), _NAMED)}"
            problems.append(f"keys: {identity}: {words}; its own keys count")
        else:
            good[identity] = _normalize_key_list(keys)
    return _without_clashes(good, known, problems), problems


def is_key(key: str) -> bool:
    """Tell whether a terminal may send a key of that name: `D`, `?`, `slash`, `f5`, `ctrl+n`."""
    *modifiers, last = key.split("+") if key != "+" else [key]
    if not last or not _MODIFIERS.issuperset(modifiers):
        return False
    if len(last) == 1:
        return last.isprintable() and not last.isspace()
    if last in _NAMED or last in KEY_TO_UNICODE_NAME or key in _NAMED:
        return True
    try:
        return last.islower() and bool(unicodedata.lookup(last.replace("_", " ")))
    except KeyError:
        return False


def _without_clashes(
    good: dict[str, str], known: Mapping[str, AppCommand], problems: list[str]
) -> dict[str, str]:
    """Return the keys without those that are another command's on the same screen already."""
    kept = dict(good)
    for identity in good:
        command = known[identity]
        fresh = set(good[identity].split(",")) - set(command.keys.split(","))
        for other in _beside(command, known.values()):
            taken = fresh & set(kept.get(other.id, other.keys).split(","))
            if taken:
                key = show_key(min(taken))
                problems.append(f"keys: {identity}: {key} is the key of {other.id} there; its own keys count")
                del kept[identity]
                break
    return kept


def _beside(command: AppCommand, commands: Iterable[AppCommand]) -> list[AppCommand]:
    """Return the other commands that listen where a command does."""
    everywhere = command.where in (EVERYWHERE, LISTS)
    together = (command.where, EVERYWHERE, LISTS)
    return [one for one in commands if one is not command and (everywhere or one.where in together)]
