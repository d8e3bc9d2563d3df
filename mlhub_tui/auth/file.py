"""The profiles file: sections with keys and root URLs, saved atomically and readable by their owner only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from .. import paths
from ..errors import ProfileNotFound, ProfilesFileError
from ..storage import make_private_folder, write_atomic
from ..text import clean, one_line
from . import ini
from .kind import Kind
from .secrets import CREDENTIALS, SECRETS
from .words import ANONYMOUS


class Keep(Enum):
    """The value of an option that `save` leaves as it is."""

    KEEP = auto()


KEEP = Keep.KEEP


@dataclass(frozen=True, slots=True)
class Profile:
    """One section of the profiles file.

    Parameters
    ----------
    name
        The section's name.
    api_key
        Its key; None where it has none, or keeps its secret in another way (see `secrets`).
    root_url
        Its root URL as written, or the path of a static catalog; None where it has none.
    extra
        All other options, as the file has them.
    """

    name: str
    api_key: str | None = field(default=None, repr=False)
    root_url: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def kind(self) -> Kind | None:
        """What the source speaks: an MLHub API where nothing is said; None where the word is not known."""
        word = self.kind_word
        return Kind(word) if word in tuple(Kind) else None

    @property
    def kind_word(self) -> str:
        """The kind as the file has it."""
        return (self.extra.get("kind") or Kind.MLHUB).strip().lower()


class ProfilesFile:
    """The profiles file as it was when it was read; `save` and `delete` read it again before they write.

    Nothing but the lines of the option that changes is touched: comments, other sections and options that
    this program does not know survive, and the seed library reads what is written.
    """

    def __init__(self, path: Path, text: str = "", *, exists: bool = False) -> None:
        self.path = path
        self.exists = exists
        self._own: dict[str, frozenset[str]] = {}
        self._sections = self._parsed(text)

    @classmethod
    def load(cls, path: Path | None = None) -> ProfilesFile:
        """Return the file at `path` (default: `profiles` in MLHUB_HOME); a missing one has no profiles.

        Raises
        ------
        ProfilesFileError
            If it is there and cannot be read or understood; names the file, the line and what to do.
        """
        path = path or paths.profiles()
        text = _read(path)
        return cls(path, text or "", exists=text is not None)

    def names(self) -> tuple[str, ...]:
        """Return the names of the profiles in the file's order."""
        return tuple(self._sections)

    def get(self, name: str) -> Profile:
        """Return one profile.

        Raises
        ------
        ProfileNotFound
            If it is not there; names those that are, and the nearest.
        """
        if name not in self._sections:
            raise self._missing(name)
        options = self._without_inherited(name)
        key, root = options.pop("api_key", ""), options.pop("root_url", "")
        return Profile(name, key or None, root or None, options)

    def save(
        self,
        name: str,
        *,
        api_key: str | Keep | None = KEEP,
        root_url: str | Keep | None = KEEP,
        options: Mapping[str, str | None] | None = None,
    ) -> None:
        """Write a profile: an option is set, removed (None) or left as it is (`KEEP`).

        Parameters
        ----------
        options
            Further options by name: `kind`, `token_env`, ...

        Raises
        ------
        ProfilesFileError
            If the name or a value cannot stand in the file, or the file cannot be read or written.
        """
        name = check_name(name)
        text = _read(self.path) or ""
        try:
            text = ini.set_section(text, name)
            for option, value in {**(options or {}), "api_key": api_key, "root_url": root_url}.items():
                if not isinstance(value, Keep):
                    text = ini.set_option(text, name, option, _checked(option, value))
        except ini.BrokenINI as error:
            raise _broken(self.path, error) from None
        self._write(text)

    def delete(self, name: str) -> None:
        """Remove a profile with all its options.

        Raises
        ------
        ProfileNotFound
            If it is not there.
        ProfilesFileError
            If the file cannot be read or written.
        """
        text = _read(self.path) or ""
        self._sections = self._parsed(text)
        if name not in self._sections:
            raise self._missing(name)
        try:
            text = ini.remove_section(text, name)
        except ini.BrokenINI as error:
            raise _broken(self.path, error) from None
        self._write(text)

    def _without_inherited(self, name: str) -> dict[str, str]:
        """Return the options of a section; a key in `[DEFAULT]` is for MLHub APIs, and not for other sources.

        A section with a secret of its own inherits nothing about it either.
        """
        options, own = dict(self._sections[name]), self._own.get(name, frozenset())
        if own & SECRETS or Profile(name, extra=options).kind is not Kind.MLHUB:
            for option in CREDENTIALS - own:
                options.pop(option, None)
        return options

    def _write(self, text: str) -> None:
        try:
            make_private_folder(self.path.parent)
            write_atomic(self.path, text, mode=0o600)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ProfilesFileError(
                f"cannot write the profiles file {self.path}: {reason}",
                hint="mend its permissions, or set MLHUB_HOME to a folder of yours",
            ) from error
        self.exists = True
        self._sections = self._parsed(text)

    def _parsed(self, text: str) -> ini.Sections:
        try:
            sections = ini.parse(text)
        except ini.BrokenINI as error:
            raise _broken(self.path, error) from None
        self._own = ini.own_options(text)
        return sections

    def _missing(self, name: str) -> ProfileNotFound:
        shown = one_line(name, 60)
        configure = f"mlhub-tui configure --profile {shown}"
        if not self._sections:
            state = "holds no profiles" if self.exists else "does not exist"
            return ProfileNotFound(
                f"no profile {shown!r}: the profiles file {self.path} {state}", hint=f"run `{configure}`"
            )
        from difflib import get_close_matches

        there = ", ".join(one_line(known, 60) for known in self._sections)
        near = get_close_matches(name, self._sections, n=1, cutoff=0.6)
        guess = f"did you mean {one_line(near[0], 60)}? or " if near else ""
        return ProfileNotFound(
            f"no profile {shown!r} in {self.path}, which has: {there}", hint=f"{guess}run `{configure}`"
        )


def check_name(name: str) -> str:
    """Return a profile name without surrounding spaces, as a section header can hold it.

    Raises
    ------
    ProfilesFileError
        If it cannot be the name of a profile that is saved.
    """
    stripped = name.strip()
    reason = ""
    if not stripped:
        reason = "it is empty"
    elif clean(name) != name or any(mark in name for mark in "\n\t[]"):
        reason = "it holds brackets, line breaks or invisible characters"
    elif stripped in ("DEFAULT", ANONYMOUS):
        reason = "the name is reserved"
    if reason:
        raise ProfilesFileError(
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


def _read(path: Path) -> str | None:
    """Return the file's text, None if it does not exist; bytes that are no UTF-8 are read as Latin-1."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise _unreadable(path, f"{path.parent} is not a folder") from error
    except IsADirectoryError as error:
        raise _unreadable(path, "it is a folder") from error
    except OSError as error:
        # Windows reports a folder as "permission denied".
        raise _unreadable(
            path, "it is a folder" if path.is_dir() else error.strerror or "I/O error"
        ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _unreadable(path: Path, reason: str) -> ProfilesFileError:
    return ProfilesFileError(
        f"cannot read the profiles file {path}: {reason}",
        hint="mend or move it, or set MLHUB_HOME to another folder; then run `mlhub-tui configure`",
    )


def _broken(path: Path, error: ini.BrokenINI) -> ProfilesFileError:
    return ProfilesFileError(
        f"the profiles file {path} is broken: {error}",
        hint="mend that line in an editor, or move the file away and run `mlhub-tui configure`",
    )
