"""The profiles file: sections with keys and root URLs, saved atomically and readable by their owner only."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .. import paths
from ..errors import InvalidProfileName, ProfileNotFound, ProfilesFileError
from ..fileio import make_private_folder, write_atomic
from ..text import clean, nearest_word, one_line
from .location import ANONYMOUS, Kind

SECRETS = frozenset(
    {"api_key", "key_env", "token", "token_env", "header_value", "header_env", "password", "password_env"}
)
"""The options that hold a secret, or name the variable that does."""
CREDENTIALS = SECRETS | {"key_param", "header", "user"}
"""All options about a secret."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One section of the profiles file.

    - `api_key`: Its key; None where it has none, or has its secret in another option (see `secrets`).
    - `root_url`: Its root URL as written, or the path of a static catalog; None where it has none.
    - `extra`: All other options, as the file has them.
    """

    name: str
    api_key: str | None = field(default=None, repr=False)
    root_url: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def kind(self) -> Kind | None:
        """The kind of source: an MLHub API where the profile names none; None where the word is unknown."""
        word = self.kind_word
        return Kind(word) if word in tuple(Kind) else None

    @property
    def kind_word(self) -> str:
        """The kind as the file has it."""
        return (self.extra.get("kind") or Kind.MLHUB).strip().lower()


class ProfilesFile:
    """The profiles file as it was when it was read; `save` and `delete` read it again before they write.

    It is read as radiant_mlhub reads it, by `configparser` with interpolation. Nothing but the option that
    changes is touched: comments, other sections and options that this program does not know survive.
    """

    def __init__(self, path: Path, text: str = "", *, exists: bool = False) -> None:
        self.path = path
        self.exists = exists
        self._parser, self._own = self._parsed(text)

    @classmethod
    def load(cls, path: Path | None = None) -> ProfilesFile:
        """Return the file at `path` (default: `profiles` in MLHUB_HOME); a missing one has no profiles.

        Raises ProfilesFileError if it is there and cannot be read or understood; names the file, the line and
        what to do.
        """
        path = path or paths.profiles()
        text = _read(path)
        return cls(path, text or "", exists=text is not None)

    def names(self) -> tuple[str, ...]:
        """Return the names of the profiles in the file's order."""
        return tuple(self._parser.sections())

    def get(self, name: str) -> Profile:
        """Return one profile.

        A key in `[DEFAULT]` is for MLHub APIs, and not for other sources; a section with a secret of its own
        inherits nothing about it either.

        Raises ProfileNotFound if it is not there; names those that are, and the nearest.
        """
        if name not in self.names():
            raise self._missing(name)
        options = {option: self._value(name, option) for option in self._parser[name]}
        own = self._own[name].keys()
        if own & SECRETS or Profile(name, extra=options).kind is not Kind.MLHUB:
            options = {key: value for key, value in options.items() if key in own or key not in CREDENTIALS}
        key, root = options.pop("api_key", ""), options.pop("root_url", "")
        return Profile(name, key or None, root or None, options)

    def save(self, name: str, /, **options: str | None) -> None:
        """Create a profile, or change options of it (`api_key`, `root_url`, ...); None removes one.

        Raises ProfilesFileError if the name or a value cannot stand in the file, or the file cannot be read
        or written.
        """
        name = check_name(name)
        changes = {option: _checked(option, value) for option, value in options.items()}
        text = self._read_again()
        if name not in self.names():
            ending = "\r\n" if "\r\n" in text else "\n"
            if text and not text.endswith(("\n", "\r")):
                text += ending
            if text.strip() and not text.endswith(ending * 2):
                text += ending
            text += f"[{name}]{ending}"
        wanted = _raw(self._own)
        section = wanted.setdefault(name, {})
        for option, value in changes.items():
            section.pop(option, None) if value is None else section.update({option: _escaped(value)})
        self._write(_edited(text, name, changes), wanted)

    def delete(self, name: str) -> None:
        """Remove a profile with all its options.

        Comments behind its last option stay, for they may be meant for the section that follows.

        Raises ProfileNotFound if it is not there. Raises ProfilesFileError if the file cannot be read or
        written.
        """
        text = self._read_again()
        if name not in self.names():
            raise self._missing(name)
        wanted = _raw(self._own)
        del wanted[name]
        self._write(_edited(text, name, None), wanted)

    def _read_again(self) -> str:
        text = _read(self.path) or ""
        self._parser, self._own = self._parsed(text)
        return text

    def _write(self, text: str | None, wanted: Mapping[str, Mapping[str, str]]) -> None:
        """Write an edited text, if it reads back as what is wanted."""
        if text is None or _raw((parsed := self._parsed(text))[1]) != wanted:
            raise self._broken("its layout cannot be edited safely")
        try:
            make_private_folder(self.path.parent)
            write_atomic(self.path, text, mode=0o600)
        except OSError as error:
            raise ProfilesFileError(
                f"cannot write the profiles file {self.path}: {error.strerror or type(error).__name__}",
                hint="check the permissions and the free space of its folder, or set MLHUB_HOME",
            ) from error
        self.exists, (self._parser, self._own) = True, parsed

    def _parsed(self, text: str) -> tuple[configparser.ConfigParser, configparser.RawConfigParser]:
        """Return the sections as radiant_mlhub reads them, and each with its own options alone."""
        parser = configparser.ConfigParser()
        own = configparser.RawConfigParser(default_section="\n")  # no section has that name
        try:
            for each in (parser, own):
                each.read_string(text.replace("\r\n", "\n").replace("\r", "\n"))
        except configparser.Error as error:
            raise self._broken(*_fault(error)) from None
        return parser, own

    def _value(self, name: str, option: str) -> str:
        try:
            return self._parser.get(name, option)
        except configparser.InterpolationError:  # radiant_mlhub cannot read it at all
            return self._parser.get(name, option, raw=True)

    def _broken(self, reason: str, line: int | None = None) -> ProfilesFileError:
        """Return the error for a file that is no INI; the line is not quoted, for it may hold a key."""
        place = f"line {line}: " if line else ""
        return ProfilesFileError(
            f"the profiles file {self.path} is broken: {place}{reason}",
            hint="fix that line in an editor, or move the file away and run `mlhub-tui configure`",
        )

    def _missing(self, name: str) -> ProfileNotFound:
        shown = one_line(name, 60)
        configure = f"run `mlhub-tui configure --profile {shown}`"
        if not self.names():
            state = "holds no profiles" if self.exists else "does not exist"
            return ProfileNotFound(
                f"no profile {shown!r}: the profiles file {self.path} {state}", hint=configure
            )
        there = ", ".join(one_line(known, 60) for known in self.names())
        near = nearest_word(name, self.names())
        guess = f"did you mean {one_line(near, 60)}? or " if near else ""
        return ProfileNotFound(
            f"no profile {shown!r} in {self.path}, which has: {there}", hint=f"{guess}{configure}"
        )


def check_name(name: str) -> str:
    """Return a profile name without surrounding spaces, as a section header can hold it.

    Raises InvalidProfileName if it cannot be the name of a profile that is saved.
    """
    stripped = name.strip()
    reason = ""
    if not stripped:
        reason = "it is empty"
    elif clean(name) != name or any(mark in name for mark in "\n\t[]"):
        reason = "it holds brackets, line breaks or invisible characters"
    elif stripped in (configparser.DEFAULTSECT, ANONYMOUS):
        reason = "the name is reserved"
    if reason:
        raise InvalidProfileName(
            f"no profile can be called {one_line(name, 60)!r}: {reason}",
            hint="choose another name, like project1",
        )
    return stripped


def _checked(option: str, value: str | None) -> str | None:
    """Return a value as the file can hold it: one line without surrounding spaces."""
    if value is None:
        return None
    stripped = value.strip()
    words = {"api_key": "API key", "root_url": "root URL"}.get(option, option)
    if not stripped:
        raise ProfilesFileError(f"the {words} is empty", hint="nothing was written")
    if any(mark in stripped for mark in "\n\t") or clean(stripped) != stripped:
        raise ProfilesFileError(
            f"the {words} holds line breaks or invisible characters",
            hint="copy it again; nothing was written",
        )
    return stripped


def _edited(text: str, name: str, changes: Mapping[str, str | None] | None) -> str | None:
    """Return an INI text with options of a section changed, or without it for None; None if it cannot be."""
    from configupdater import ConfigUpdater, Option  # not at the top: most starts write nothing

    updater = ConfigUpdater()
    try:
        updater.read_string(text.replace("\r\n", "\n"))
        section = updater[name]
        options = [block for block in section.iter_blocks() if isinstance(block, Option)]
        if changes is None:
            blocks = list(section.iter_blocks())
            left = blocks[blocks.index(options[-1]) + 1 :] if options else blocks
            edited = "".join(
                "".join(map(str, left)) if block is section else str(block) for block in updater.iter_blocks()
            )
        else:
            for option, value in changes.items():
                options = [block for block in section.iter_blocks() if isinstance(block, Option)]
                if value is None:
                    section.pop(option, None)
                elif option in section or not options:
                    section[option] = _escaped(value)
                else:
                    options[-1].add_after.option(option, _escaped(value))
            edited = str(updater)
    except (configparser.Error, KeyError, ValueError):
        return None
    return edited.replace("\n", "\r\n") if "\r\n" in text else edited


def _fault(error: configparser.Error) -> tuple[str, int | None]:
    """Return what is wrong with a file, and in which line."""
    match error:
        case configparser.DuplicateSectionError():
            return f"the section [{error.section}] is there twice", error.lineno
        case configparser.DuplicateOptionError():
            return f"{error.option} is there twice in [{error.section}]", error.lineno
        case configparser.MissingSectionHeaderError():
            return "a section like [default] must come first", error.lineno
        case configparser.ParsingError() if error.errors:
            reason = "it is neither a [section] nor an option like `api_key = ...`"
            return reason, error.errors[0][0]
    return type(error).__name__, None


def _escaped(value: str) -> str:
    """Return a value as it must be written so that interpolation reads it back unchanged."""
    return value.replace("%", "%%")


def _raw(parser: configparser.RawConfigParser) -> dict[str, dict[str, str]]:
    return {name: dict(parser[name]) for name in parser.sections()}


def _read(path: Path) -> str | None:
    """Return the file's text, None if it does not exist; bytes that are no UTF-8 are read as Latin-1."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        # Windows reports a folder as "permission denied"; `Path.is_dir` fails below a folder of another user.
        reason = "it is a folder" if os.path.isdir(path) else error.strerror or "I/O error"  # noqa: PTH112
        if isinstance(error, NotADirectoryError):
            reason = f"{path.parent} is not a folder"
        raise ProfilesFileError(
            f"cannot read the profiles file {path}: {reason}",
            hint="fix or move it, or set MLHUB_HOME to another folder; then run `mlhub-tui configure`",
        ) from error
    try:
        # UTF-16 is what PowerShell 5 writes with `>`.
        is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        return content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
