"""The settings: one field for each, with its default, what it is for, and what it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from . import checks

MOST = 64
"""As `queue.runner.MOST`: the most transfers at a time, from one host, and connections to one file."""


def _setting(written: Any, about: str, check: checks.Check, *choices: str) -> Any:
    """Return a dataclass field: its default as TOML has it, a sentence, and the check of its values."""
    metadata = {"about": about, "check": check, "written": written, "choices": choices}
    if isinstance(written, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=check(written), metadata=metadata)


def _choice(about: str, *choices: str) -> Any:
    return _setting(choices[0], about, checks.one_of(*choices), *choices)


@dataclass(frozen=True, slots=True)
class Config:
    """What is set; every field has a default that needs no file."""

    theme: str = _setting("auto", "a theme by its name; auto is the one chosen last, else dark", checks.name)
    colours: str = _choice(
        "auto, full, 16 for the terminal's own, or mono for none", "auto", "full", "16", "mono"
    )
    characters: str = _choice("what lines, bars and marks are drawn with", "auto", "unicode", "ascii")
    motion: str = _choice("smooth scrolling; auto has none over SSH", "auto", "full", "none")
    mouse: bool = _setting(True, "false leaves the mouse to the terminal, for selecting text", checks.flag)
    units: str = _choice("sizes in MB of 1000 x 1000 bytes (SI) or MiB of 1024 x 1024 (IEC)", "SI", "IEC")
    cursor: bool = _setting(
        False, "true shows the terminal's own cursor on the current row, for screen readers", checks.flag
    )
    restore: bool = _setting(
        True, "open the tree as it was left: expanded nodes, cursor, filter", checks.flag
    )
    images: str = _choice(
        "previews: auto is sixel or kitty graphics where the terminal speaks them, else blocks of colour",
        *("auto", "blocks", "sixel", "kitty", "off"),
    )
    download_folder: Path | None = _setting(  # noqa: RUF009 - a field, as all of them
        ".", "where downloads go without --output-dir; . is the current folder", checks.folder
    )
    transfers: int = _setting(2, "transfers at a time, unless the queue has its own", checks.count(MOST))
    per_host: int = _setting(4, "of these from one host, unless the queue has its own", checks.count(MOST))
    connections: int = _setting(
        8, "connections to one file at most, unless the queue has its own", checks.count(MOST)
    )
    first_byte_timeout: int = _setting(
        120, "seconds to wait for the first byte of a file; some are made on demand", checks.count(86_400)
    )
    limit: int | None = _setting(
        "off", "speed of all transfers: 5M, 500k, off; unless the queue has its own", checks.speed
    )
    notify: str = _choice(
        "how to call you when downloads end or fail: a bell, or a desktop notification by OSC 9 or OSC 777",
        "none",
        "bell",
        "osc9",
        "osc777",
    )
    title: bool = _setting(True, "say in the window's title how far all downloads are", checks.flag)
    keys: Mapping[str, str] = _setting({}, 'keys by command, as `browse.items = "I"`', checks.keys)


DEFAULTS = Config()


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as people meet it.

    Parameters
    ----------
    name
        Its key in the file.
    about
        What it is for, in a few words.
    written
        Its default, as TOML has it.
    choices
        The words it may be, where these are few.
    """

    name: str
    about: str
    written: Any
    choices: tuple[str, ...]
    _check: checks.Check

    def check(self, value: Any) -> Any:
        """Return the value to use of one as TOML has it.

        Raises
        ------
        ValueError
            If it will not do, in words for people.
        """
        return self._check(value)


def _of(one: Field[Any]) -> Setting:
    assert one.default is not MISSING or one.default_factory is not MISSING
    data = one.metadata
    return Setting(one.name, data["about"], data["written"], data["choices"], data["check"])


def settings() -> dict[str, Setting]:
    """Return all settings by name, in order."""
    return {one.name: _of(one) for one in fields(Config)}


def table() -> str:
    """Return the table of settings for the README, in Markdown."""
    rows = ["| setting | default | what it does |", "| --- | --- | --- |"]
    rows += [f"| `{s.name}` | {_written(s)} | {s.about} |" for s in settings().values()]
    return "\n".join(rows)


def _written(setting: Setting) -> str:
    value = setting.written
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return "none"
    return f"`{value}`" if isinstance(value, int) else f'`"{value}"`'
