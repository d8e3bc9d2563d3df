"""Settings: what each is for and may be, and the file `config.toml` that sets them.

Whatever is wrong with the file is a line to show, never an end of the program. A change touches nothing else
of it: comments, order and layout stay.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .. import paths
from ..errors import ConfigFileError
from ..fileio import make_private_folder, write_atomic
from ..text import nearest_word, one_line, parse_rate

MOST = 64
"""As `queue.settings.MOST`: the most transfers at a time, from one host, and connections to one file."""
_LARGEST = 1_000_000  # bytes; a larger file is none that a person wrote
Check = Callable[[Any], Any]
"""Returns the value to use of one that was read; raises ValueError, in words for people."""


def _shown(value: Any) -> str:
    return one_line(repr(value), 60)


def nearest(value: Any, choices: Iterable[str]) -> str:
    """Return a guess of what was meant, to stand behind a complaint; empty where there is none."""
    near = nearest_word(str(value).lower(), map(str, choices))
    return f"; did you mean {near}?" if near else ""


def one_of(*choices: str) -> Check:
    """Return a check for a word out of a few."""

    def check(value: Any) -> str:
        if isinstance(value, str) and value in choices:
            return value
        raise ValueError(f"{_shown(value)} is none of {', '.join(choices)}{nearest(value, choices)}")

    return check


def count(most: int) -> Check:
    """Return a check for a whole number from 1 to `most`."""

    def check(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
            return value
        raise ValueError(f"{_shown(value)} is no whole number from 1 to {most}")

    return check


def flag(value: Any) -> bool:
    """Return a truth value."""
    if isinstance(value, bool):
        return value
    raise ValueError(f"{_shown(value)} is neither true nor false")


def name(value: Any) -> str:
    """Return a name; whether there is such a thing is found out where it is used."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ValueError(f"{_shown(value)} is no name")


def folder(value: Any) -> Path | None:
    """Return an absolute folder; None for `.`, the current one, whichever that is at the time."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(f"{_shown(value)} is no folder; write a path in quotes, or '.'")
    if value.strip() == ".":
        return None
    try:
        path = Path(value.strip()).expanduser()
    except RuntimeError:
        raise ValueError(f"{_shown(value)}: no such user") from None
    if not path.is_absolute():
        raise ValueError(f"{_shown(value)} begins neither with / nor with ~")
    return path


def speed(value: Any) -> int | None:
    """Return bytes per second, None for no limit."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{_shown(value)} is no speed; write '5M', '500k' or 'off'")
    return parse_rate(str(value))


def keys(value: Any) -> dict[str, str]:
    """Return keys by command; that the commands and keys are some is found out where they are used."""
    if not isinstance(value, dict):
        raise ValueError(f"{_shown(value)} is no table; write [keys], and a line for each command")
    return {command: str(key) for command, key in _flat(value).items()}


def _flat(table: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Return a table by whole ids: `browse.download = "D"` without quotes is a table in a table."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= _flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return found


def _setting(written: Any, about: str, check: Check, *choices: str) -> Any:
    """Return a dataclass field: its default as TOML has it, a sentence, and the check of its values."""
    metadata = {"about": about, "check": check, "written": written, "choices": choices}
    if isinstance(written, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=check(written), metadata=metadata)


def _choice(about: str, *choices: str) -> Any:
    return _setting(choices[0], about, one_of(*choices), *choices)


@dataclass(frozen=True, slots=True)
class Config:
    """What is set; every field has a default that needs no file."""

    theme: str = _setting(
        "auto",
        "a theme by its name; auto is the one chosen last, else light or dark as the terminal is",
        name,
    )
    colours: str = _choice(
        "auto, full, 16 for the terminal's own, or mono for none", "auto", "full", "16", "mono"
    )
    characters: str = _choice("what lines, bars and marks are drawn with", "auto", "unicode", "ascii")
    motion: str = _choice("smooth scrolling; auto has none over SSH", "auto", "full", "none")
    mouse: bool = _setting(True, "use the mouse here; otherwise the terminal selects text with it", flag)
    units: str = _choice("sizes in MB of 1000 x 1000 bytes (SI) or MiB of 1024 x 1024 (IEC)", "SI", "IEC")
    cursor: bool = _setting(
        False, "show the terminal's own cursor on the current row, for screen readers", flag
    )
    restore: bool = _setting(True, "open the tree as it was left: expanded nodes, cursor, filter", flag)
    images: str = _choice(
        "previews: auto is sixel or kitty graphics where the terminal speaks them, else blocks of colour",
        *("auto", "blocks", "sixel", "kitty", "off"),
    )
    download_folder: Path | None = _setting(  # noqa: RUF009 - a field, as all of them
        ".", "where downloads go without --output-dir; . is the current folder", folder
    )
    transfers: int = _setting(2, "transfers at a time, unless the queue has its own", count(MOST))
    per_host: int = _setting(4, "of these from one host, unless the queue has its own", count(MOST))
    connections: int = _setting(
        8, "connections to one file at most, unless the queue has its own", count(MOST)
    )
    first_byte_timeout: int = _setting(
        120, "seconds to wait for the first byte of a file; some are made on demand", count(86_400)
    )
    limit: int | None = _setting(
        "off", "speed of all transfers: 5M, 500k, off; unless the queue has its own", speed
    )
    notify: str = _choice(
        "how to call you when downloads end or fail: a bell, or a desktop notification by OSC 9 or OSC 777",
        "none",
        "bell",
        "osc9",
        "osc777",
    )
    title: bool = _setting(True, "say in the window's title how far all downloads are", flag)
    keys: Mapping[str, str] = _setting({}, 'keys by command, as `browse.items = "I"`', keys)


DEFAULTS = Config()


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as people meet it.

    - `name`: Its key in the file.
    - `about`: What it is for, in a few words.
    - `written`: Its default, as TOML has it.
    - `choices`: The words it may be, where these are few.
    - `check`: Returns the value to use of one as TOML has it; raises ValueError if it will not do.
    """

    name: str
    about: str
    written: Any
    choices: tuple[str, ...]
    check: Check


def settings() -> dict[str, Setting]:
    """Return all settings by name, in order."""
    return {one.name: Setting(one.name, **one.metadata) for one in fields(Config)}


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


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is set, and what is wrong with the file, a line each; defaults stand in for what is wrong."""

    config: Config = DEFAULTS
    problems: tuple[str, ...] = ()


def load(path: Path | None = None) -> Loaded:
    """Return what is set in the file; without one, the defaults. Never fails.

    - `path`: The file; default `config.toml` in MLHUB_HOME.
    """
    path = path or paths.config()
    try:
        with path.open("rb") as file:
            found = parse(file.read(_LARGEST + 1))
    except FileNotFoundError:
        return Loaded()
    except (OSError, ValueError) as error:
        return Loaded(problems=(f"{path}: {getattr(error, 'strerror', None) or error}; it is left out",))
    good, problems = checked(found)
    return Loaded(replace(DEFAULTS, **good), tuple(f"{path}: {problem}" for problem in problems))


def parse(content: bytes) -> dict[str, Any]:
    """Return what a config file says.

    Raises ValueError if it is no TOML, in words for people.
    """
    import tomllib  # most have no config.toml

    if len(content) > _LARGEST:
        raise ValueError("it is larger than a config file can be")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"it is no TOML: {one_line(error, 200)}") from None


def checked(found: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the values to use of what a file says, and a line for each that is left out."""
    known, good, problems = settings(), {}, []
    for one, value in found.items():
        if one not in known:
            problems.append(f"there is no setting {one_line(one, 60)!r}{nearest(one, known)}")
            continue
        try:
            good[one] = known[one].check(value)
        except ValueError as error:
            problems.append(f"{one}: {one_line(error, 200)}; the default is used")
    return good, problems


def change(changes: Mapping[str, Any], path: Path | None = None) -> None:
    """Set some settings in the file, which is created if missing.

    A setting that is new in the file gets its sentence beside it as a comment.

    - `changes`: Values by name, as TOML has them; None takes a setting out of the file, and its default
      counts. For `keys`, a table of the commands to change, None for those to take out.
    - `path`: The file; default `config.toml` in MLHUB_HOME.

    Raises ConfigFileError if the file is no TOML, cannot be read or written, or a value will not do.
    """
    path = path or paths.config()
    known = settings()
    for name, value in changes.items():
        if name not in known:
            raise ConfigFileError(f"there is no setting {one_line(name, 60)!r}")
        try:
            if value is not None and not isinstance(value, Mapping):
                known[name].check(value)
        except ValueError as error:
            raise ConfigFileError(f"{name}: {error}", hint="") from None
    try:
        before, mode = path.read_text(encoding="utf-8"), stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        before, mode = "", 0o600
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigFileError(f"{path} cannot be read: {reason}") from None
    written = _edited(before, changes, path)
    try:
        make_private_folder(path.parent)
        write_atomic(path, written, mode=mode)
    except OSError as error:
        raise ConfigFileError(f"{path} cannot be written: {error.strerror or error}") from None


def _edited(text: str, changes: Mapping[str, Any], path: Path) -> str:
    """Return the text of a config file with some settings changed, if it reads back as what is wanted."""
    import tomlkit  # start-up time: only changes need it

    try:
        wanted = parse(text.encode())
        document = tomlkit.parse(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError, tomlkit.exceptions.TOMLKitError) as error:
        raise ConfigFileError(f"{path}: {one_line(error, 200)}") from None
    for table in (document, wanted):
        for name, value in changes.items():
            if not isinstance(value, Mapping):
                _set(table, name, value, tomlkit.item, settings()[name].about)
                continue
            if name not in table:
                table[name] = tomlkit.table() if table is document else {}
            for key, each in value.items():
                _set(*_place(table[name], key), each, tomlkit.item)
    new = tomlkit.dumps(document)
    try:
        confirmed = parse(new.encode()) == wanted
    except ValueError:
        confirmed = False
    if not confirmed:
        raise ConfigFileError(f"{path}: its layout cannot be edited safely")
    return new


def _set(table: Any, name: str, value: Any, made: Callable[[Any], Any], about: str = "") -> None:
    """Set, add or remove a value of a table of tomlkit, or of a plain one."""
    if value is None:
        table.pop(name, None)
    elif name in table or type(table) is dict:
        table[name] = value
    else:
        item = made(value)
        if about:
            item.comment(about)
        table.add(name, item)


def _place(table: Any, key: str) -> tuple[Any, str]:
    """Return where a command is: `browse.download = …` without quotes is a table in a table."""
    first, _, rest = key.partition(".")
    nested = key not in table and rest and isinstance(table.get(first), Mapping)
    return (table[first], rest) if nested else (table, key)
