"""Changes the config file without touching the rest of it: comments, order and layout stay.

Imported when something is written: `tomlkit`, which keeps what a person wrote, takes its time to load.
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
from ..storage import make_private_folder, write_atomic
from ..text import one_line
from .config import settings
from .read import parse


def change(changes: Mapping[str, Any], path: Path | None = None) -> None:
    """Set some settings in the file, which is made if need be.

    A setting that is new in the file gets its sentence beside it as a comment.

    Parameters
    ----------
    changes
        Values by name, as TOML has them; None takes a setting out of the file, and its default counts.
        For `keys`, a table of the commands to change, None for those to take out.
    path
        The file; default `config.toml` in MLHUB_HOME.

    Raises
    ------
    ConfigFileError
        If the file is no TOML, cannot be read or written, or a value will not do.
    """
    path = path or paths.config()
    for name, value in changes.items():
        _check(name, value)
    before, mode = _read(path)
    written = edited(before, changes, path)
    try:
        make_private_folder(path.parent)
        write_atomic(path, written, mode=mode)
    except OSError as error:
        raise ConfigFileError(f"{path} cannot be written: {error.strerror or error}") from None


def edited(text: str, changes: Mapping[str, Any], path: Path) -> str:
    """Return the text of a config file with some settings changed.

    Raises
    ------
    ConfigFileError
        If it is no TOML, or the edit would change anything else in it.
    """
    try:
        wanted = parse(text.encode())
        document = tomlkit.parse(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError, tomlkit.exceptions.TOMLKitError) as error:
        raise ConfigFileError(f"{path}: {one_line(error, 200)}") from None
    for name, value in changes.items():
        if isinstance(value, Mapping):
            _set_table(document, name, value)
            _set_wanted(wanted, name, value)
        else:
            _set(document, name, value, settings()[name].about)
            wanted = {k: v for k, v in wanted.items() if k != name} | ({} if value is None else {name: value})
    new = tomlkit.dumps(document)
    try:
        confirmed = tomllib.loads(new) == wanted
    except tomllib.TOMLDecodeError:
        confirmed = False
    if not confirmed:
        raise ConfigFileError(f"{path}: its layout cannot be edited safely")
    return new


def _check(name: str, value: Any) -> None:
    known = settings()
    if name not in known:
        raise ConfigFileError(f"there is no setting {one_line(name, 60)!r}")
    if value is None or isinstance(value, Mapping):
        return
    try:
        known[name].check(value)
    except ValueError as error:
        raise ConfigFileError(f"{name}: {error}", hint="") from None


def _read(path: Path) -> tuple[str, int]:
    """Return a file's text and permission bits; nothing, and the owner's alone, where there is none."""
    try:
        return path.read_text(encoding="utf-8"), stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return "", 0o600
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigFileError(f"{path} cannot be read: {reason}") from None


def _set(table: Any, name: str, value: Any, about: str) -> None:
    if value is None:
        table.pop(name, None)
    elif name in table:
        table[name] = value
    else:
        item = tomlkit.item(value)
        if about:
            item.comment(about)
        table.add(name, item)


def _set_table(document: Any, name: str, changes: Mapping[str, Any]) -> None:
    if name not in document:
        document.add(name, tomlkit.table())
    table = document[name]
    for key, value in changes.items():
        _set(_holder(table, key), key if key in table else _last(table, key), value, "")


def _holder(table: Any, key: str) -> Any:
    """Return the table that holds a command: `browse.download = …` without quotes is a table in a table."""
    first, _, rest = key.partition(".")
    nested = key not in table and rest and isinstance(table.get(first), Mapping)
    return table[first] if nested else table


def _last(table: Any, key: str) -> str:
    first, _, rest = key.partition(".")
    return rest if rest and isinstance(table.get(first), Mapping) else key


def _set_wanted(wanted: dict[str, Any], name: str, changes: Mapping[str, Any]) -> None:
    table = wanted.setdefault(name, {})
    for key, value in changes.items():
        holder, last = _holder(table, key), key if key in table else _last(table, key)
        if value is None:
            holder.pop(last, None)
        else:
            holder[last] = value
