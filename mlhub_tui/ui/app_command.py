"""One command of the app, and the places that have commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .terminal.terminal_app import running_app


@dataclass(frozen=True, slots=True)
class AppCommand:
    """One command.

    Parameters
    ----------
    id
        Stable name, by which a key can be changed.
    keys
        Textual key names, comma-separated.
    action
        The action on the app, screen or widget that is named by `where`.
    title
        One or two words for the hint bar.
    help
        A sentence for the help, the palette and the README.
    where
        The screen or widget it belongs to.
    hint
        Rank in the hint bar: lower comes first and stays longer when room is scarce; 0 is not shown.
    palette
        Whether the palette offers it: no for moves of the cursor.
    """

    id: str
    keys: str
    action: str
    title: str
    help: str
    where: str
    hint: int = 0
    palette: bool = True

    @property
    def key(self) -> str:
        """The first key as people write it."""
        return show_key(self.keys_in_use.split(",")[0])

    @property
    def all_keys(self) -> str:
        """All keys as people write them."""
        return " ".join(show_key(key) for key in self.keys_in_use.split(","))

    @property
    def keys_in_use(self) -> str:
        """The keys as they are set in the app that runs; without one, its own."""
        changed: Mapping[str, str] = getattr(running_app(), "keys_in_use", {})
        return changed.get(self.id, self.keys)


EVERYWHERE = "Everywhere"
BROWSE = "Browse"
DOCUMENT = "Collection"
RESULTS = "Results"
PLAN = "Plan"
DOWNLOADS = "Downloads"
PROFILES = "Profiles"
LISTS = "Lists"
MAP = "Map"
DATES = "Dates"
PREVIEW = "Preview"
JSON = "JSON"

_KEY_NAMES = {
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "question_mark": "?",
    "slash": "/",
    "asterisk": "*",
    "colon": ":",
    "comma": ",",
    "exclamation_mark": "!",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "escape": "esc",
    "right": "→",
    "left": "←",
    "up": "↑",
    "down": "↓",
    "pagedown": "pgdn",
    "pageup": "pgup",
}


def show_key(key: str) -> str:
    """Return a Textual key name as people write it: `slash` is `/`."""
    return _KEY_NAMES.get(key, key)
