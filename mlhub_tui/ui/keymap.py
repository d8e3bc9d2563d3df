"""Keys of one's own: checked against the commands, so that none is lost and none means two things."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys, _normalize_key_list

from ..config.checks import nearest
from ..text import one_line
from .commands import COMMANDS, EVERYWHERE, LISTS, AppCommand, show_key

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
