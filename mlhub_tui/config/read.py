"""Reads the config file; whatever is wrong with it is a line to show, never an end of the program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import paths
from .config import DEFAULTS, Config

_LARGEST = 1_000_000
"""Bytes; a larger file is none that a person wrote."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is set, and what is wrong with the file, a line each; defaults stand in for what is wrong."""

    config: Config = DEFAULTS
    problems: tuple[str, ...] = ()


def load(path: Path | None = None) -> Loaded:
    """Return what is set in the file; without one, the defaults. Never fails.

    Parameters
    ----------
    path
        The file; default `config.toml` in MLHUB_HOME.
    """
    path = path or paths.config()
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return Loaded()
    except OSError as error:
        return Loaded(problems=(f"{path}: {error.strerror or error}; it is left out",))
    return _loaded(path, content)


def _loaded(path: Path, content: bytes) -> Loaded:
    try:
        found = parse(content)
    except ValueError as error:
        return Loaded(problems=(f"{path}: {error}; it is left out",))
    good, problems = checked(found)
    return Loaded(replace(DEFAULTS, **good), tuple(f"{path}: {problem}" for problem in problems))


def parse(content: bytes) -> dict[str, Any]:
    """Return what a config file says.

    Raises
    ------
    ValueError
        If it is no TOML, in words for people.
    """
    import tomllib

    from ..text import one_line

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
    from ..text import one_line
    from .checks import nearest
    from .config import settings

    known, good, problems = settings(), {}, []
    for name, value in found.items():
        if name not in known:
            near = nearest(name, known)
            problems.append(f"there is no setting {one_line(name, 60)!r}{near}")
            continue
        try:
            good[name] = known[name].check(value)
        except ValueError as error:
            problems.append(f"{name}: {one_line(error, 200)}; the default is used")
    return good, problems
