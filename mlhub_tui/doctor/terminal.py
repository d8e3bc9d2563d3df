"""The terminal: what it promises, what stands between it and the program, and what that means."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping

from ..config import Config, abilities
from .finding import Finding, note, wrong


def look(config: Config, environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Yield what the environment tells of the terminal, and how the app will look in it."""
    term = environ.get("TERM", "")
    if not (sys.__stdin__ and sys.__stdin__.isatty() and sys.__stdout__ and sys.__stdout__.isatty()):
        yield note("terminal", "none: input or output leads elsewhere", "the app needs one, commands do not")
    elif term in ("", "dumb"):
        yield wrong("TERM", term or "not set", "set it to what the terminal is: export TERM=xterm-256color")
    if term:
        yield Finding("TERM", term)
    if environ.get("COLORTERM"):
        yield Finding("COLORTERM", environ["COLORTERM"])
    yield from _colours(config, environ)
    yield from _characters(config)
    yield from _size()
    yield from _between(environ)
    yield Finding("clipboard", abilities.clipboard(environ))
    yield Finding("mouse", "used" if config.mouse else "left to the terminal")


def _colours(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    found = abilities.colours(environ)
    if config.colours != "auto":
        found += f"; config.toml wants {config.colours}"
    yield Finding("colours", found)


def _characters(config: Config) -> Iterator[Finding]:
    if abilities.speaks_unicode() or config.characters == "ascii":
        yield Finding("characters", f"{abilities.encoding()}, drawn in {config.characters}")
    else:
        hint = "use a UTF-8 locale, if the terminal can do it: export LC_ALL=C.UTF-8"
        yield note("characters", f"{abilities.encoding()}: lines are drawn in ASCII", hint)


def _size() -> Iterator[Finding]:
    columns, rows = shutil.get_terminal_size()
    if columns < 40 or rows < 10:
        yield wrong("size", f"{columns}x{rows}", "the app needs 40 columns and 10 rows")
    else:
        yield Finding("size", f"{columns}x{rows}")


def _between(environ: Mapping[str, str]) -> Iterator[Finding]:
    if abilities.over_ssh(environ):
        yield Finding("ssh", "yes: no animations, unless `motion` says so")
    if environ.get("TMUX"):
        yield Finding("tmux", environ.get("TERM_PROGRAM_VERSION") or "yes")
        if not environ.get("TERM", "").startswith(("tmux", "screen")):
            hint = "inside tmux TERM is tmux-256color: set -g default-terminal tmux-256color"
            yield note("TERM in tmux", environ.get("TERM", "not set"), hint)
        if not environ.get("COLORTERM"):
            hint = "set -ag terminal-features ',*:RGB' in tmux.conf, and export COLORTERM=truecolor"
            yield note("true colour in tmux", "not promised: 256 colours are used", hint)
    elif environ.get("STY"):
        yield note("screen", "yes", "tmux passes on colours and the clipboard, screen hardly does")
