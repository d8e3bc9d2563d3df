"""Changes of the config file that touch nothing else of it: comments, order and layout stay.

Imported when something is written: `tomlkit` takes its time to load.
"""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from .. import paths
from ..errors import ConfigFileError
from ..fileio import make_private_folder, write_atomic
from ..text import one_line
from .config import parse, settings


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
    try:
        wanted = parse(text.encode())
        document = tomlkit.parse(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError, tomlkit.exceptions.TOMLKitError) as error:
        raise ConfigFileError(f"{path}: {one_line(error, 200)}") from None
    for table in (document, wanted):
        for name, value in changes.items():
            if not isinstance(value, Mapping):
                _set(table, name, value, settings()[name].about)
                continue
            if name not in table:
                table[name] = tomlkit.table() if table is document else {}
            for key, each in value.items():
                _set(*_place(table[name], key), each)
    new = tomlkit.dumps(document)
    try:
        confirmed = tomllib.loads(new) == wanted
    except tomllib.TOMLDecodeError:
        confirmed = False
    if not confirmed:
        raise ConfigFileError(f"{path}: its layout cannot be edited safely")
    return new


def _set(table: Any, name: str, value: Any, about: str = "") -> None:
    """Set, add or remove a value of a table of tomlkit, or of a plain one."""
    if value is None:
        table.pop(name, None)
    elif name in table or type(table) is dict:
        table[name] = value
    else:
        item = tomlkit.item(value)
        if about:
            item.comment(about)
        table.add(name, item)


def _place(table: Any, key: str) -> tuple[Any, str]:
    """Return where a command is: `browse.download = …` without quotes is a table in a table."""
    first, _, rest = key.partition(".")
    nested = key not in table and rest and isinstance(table.get(first), Mapping)
    return (table[first], rest) if nested else (table, key)
