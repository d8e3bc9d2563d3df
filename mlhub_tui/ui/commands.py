"""Every command of the app once: its id, keys, title, help and place.

From its table come the key bindings, the hint bar, the command palette, the help screen and the key table of
the README.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.binding import Binding, BindingType

from .command import (
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
    "TABLE_ACTIONS",
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
TABLE_ACTIONS = {"list.top": "scroll_top", "list.bottom": "scroll_bottom"}
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
