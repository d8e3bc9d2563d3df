"""What the terminal can do, for all that its environment tells: colours, characters, distance, clipboard."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping

_COLOURLESS = ("dumb", "vt100", "vt102", "vt220")
_PLAIN_TERMINALS = ("linux", *_COLOURLESS)
_ALL_COLOURS = frozenset(
    {"alacritty", "contour", "direct", "foot", "ghostty", "kitty", "konsole", "mintty", "rio", "wezterm"}
)
"""Parts of the TERM of terminals that have all colours."""


def over_ssh(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the session came over SSH."""
    return any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))


def plain_terminal(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the terminal has 16 colours or fewer: the Linux console, and old ones."""
    return environ.get("TERM", "") in _PLAIN_TERMINALS


def few_colours(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether 16 colours or fewer are drawn in, as no more are promised.

    Containers (`xterm`), GNU screen and tmux (`screen`) promise no more as they come.
    """
    more = true_colour(environ) or environ.get("TERM", "").lower().endswith("-256color")
    return plain_terminal(environ) or not (more or sys.platform == "win32")


def true_colour(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether all colours are promised: by COLORTERM, which SSH leaves behind, or by TERM's name."""
    promised = environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit")
    return promised or not _ALL_COLOURS.isdisjoint(environ.get("TERM", "").lower().split("-"))


def no_colour(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether there are none: NO_COLOR is set and not empty (no-color.org), or the terminal has none.

    terminfo names the monochrome ones of a kind with `-m` or `-mono` at the end.
    """
    term = environ.get("TERM", "")
    return bool(environ.get("NO_COLOR")) or term in _COLOURLESS or term.endswith(("-m", "-mono"))


def colours(environ: Mapping[str, str] = os.environ) -> str:
    """Return how many colours the terminal promises, in words."""
    if no_colour(environ):
        return "none (NO_COLOR)" if environ.get("NO_COLOR") else f"none ({environ.get('TERM')})"
    if few_colours(environ):
        return "16"
    return "16 million" if true_colour(environ) else "256"


def encoding() -> str:
    """Return the encoding in which the app writes to the terminal."""
    return str(getattr(sys.__stderr__, "encoding", None) or "ascii").lower()


def speaks_unicode() -> bool:
    """Tell whether all characters can be written to the terminal."""
    return encoding().replace("-", "").startswith("utf")


def clipboard(environ: Mapping[str, str] = os.environ) -> str:
    """Return the way to the clipboard, in words."""
    if environ.get("TMUX") and shutil.which("tmux"):
        return "tmux load-buffer -w"
    if environ.get("STY"):
        return "OSC 52, which screen may not pass on"
    return "OSC 52, where the terminal allows it"
