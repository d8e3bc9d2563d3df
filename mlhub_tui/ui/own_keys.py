"""Keys of one's own: those that a config file gives to commands, by their ids of today or before."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys, _normalize_key_list

from ..config.config import nearest
from ..text import one_line
from .commands import BY_ID, COMMANDS, EVERYWHERE, LISTS, AppCommand, show_key

_FORMER: Mapping[str, str] = {
    "browse.back": "app.earlier",
    "browse.forward": "app.later",
    "profiles.open": "app.open",
    "profiles.sample": "",
    "profiles.anonymous": "",
}
"""Commands of version 0.1, and those that do the same now: a key set for the one is set for the other."""
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "meta", "super", "hyper"})
_NAMED = frozenset({key.value for key in Keys if key.value[:1] != "<"} | {*KEY_NAME_REPLACEMENTS.values()})


def checked(wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the keys to use by command, and a line for each that is left out.

    - `wanted`: Keys by the id of a command, several with commas: `j,down`, `ctrl+n`, `?`.
    """
    good: dict[str, str] = {}
    problems: list[str] = []
    for written, keys in wanted.items():
        identity = _FORMER.get(written, written)
        if not identity or (identity != written and identity in wanted):
            continue
        if identity not in BY_ID:
            words = f"there is no command {one_line(identity, 60)!r}{nearest(identity, BY_ID)}"
            problems.append(f"keys: {words}")
        elif bad := [key for key in keys.split(",") if not is_key(key.strip())]:
            words = f"{one_line(bad[0], 40)!r} is no key{nearest(bad[0].strip(), _NAMED)}"
            problems.append(f"keys: {identity}: {words}; its own keys count")
        else:
            good[identity] = _normalize_key_list(keys)
    return _without_clashes(good, problems), problems


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


def _without_clashes(good: dict[str, str], problems: list[str]) -> dict[str, str]:
    """Return the keys without those that are another command's on the same screen already."""
    valid = dict(good)
    for identity, keys in good.items():
        fresh = set(keys.split(",")) - set(BY_ID[identity].keys.split(","))
        taken = {key: o.id for o in _beside(BY_ID[identity]) for key in valid.get(o.id, o.keys).split(",")}
        if clash := min(fresh & taken.keys(), default=""):
            words = f"{show_key(clash)} is the key of {taken[clash]} there; its own keys count"
            problems.append(f"keys: {identity}: {words}")
            del valid[identity]
    return valid


def _beside(one: AppCommand) -> list[AppCommand]:
    """Return the other commands that listen where a command does."""
    everywhere = one.where in (EVERYWHERE, LISTS)
    together = (one.where, EVERYWHERE, LISTS)
    return [other for other in COMMANDS if other is not one and (everywhere or other.where in together)]
