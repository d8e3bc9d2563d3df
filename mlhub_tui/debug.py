"""`--debug`: a rotating log of what the program does, without keys; where it is off, this is not loaded."""

from __future__ import annotations

import base64
import logging
import os
import re
import sys
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from urllib.parse import quote, quote_plus

from . import paths
from .auth import ProfilesFile
from .fileio import make_private_folder
from .text import clean, redact
from .version import __version__

BYTES, FILES = 2_000_000, 4
"""The size of a log file, and the number of old ones to keep."""
_SHORTEST = 4
"""Characters; a shorter secret is in too many innocent words to be cut out of them."""
_HEADERS = re.compile(
    r"""(?ix)
    ( ["']? (?: (?:proxy-)?(?:authorization|authenticate) | (?:set-)?cookie | x-api-key | api-key
        | x-auth-token | ocp-apim-subscription-key ) ["']? \s* [,:=] \s* )
    ( b?"[^"]*" | b?'[^']*' | (?:(?:basic|bearer|digest|token)\s+)? [^\s,;)]+ )"""
)


def start(arguments: Iterable[str] = (), secrets: Iterable[str | None] = ()) -> Path | None:
    """Begin to log everything; return the file, None where it cannot be.

    Several programs may write to it: each line has the number of its process.

    - `secrets`: What must not be in the log, besides all that the profiles file and the environment hold.
    """
    path = paths.log_dir() / "debug.log"
    handler = file_handler(path, secrets, most=BYTES, files=FILES)
    if handler is None:
        return None
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    where = f"python {sys.version.split()[0]} on {sys.platform}, TERM={os.environ.get('TERM', '')}"
    _log.info("mlhub-tui %s, %s: %s", __version__, where, " ".join(arguments))
    return path


def file_handler(
    path: Path, secrets: Iterable[str | None], *, most: int, files: int
) -> logging.Handler | None:
    """Return what writes records without keys to a file of the user's own; None where that cannot be written.

    It is rotated at `most` bytes, and `files` old ones stay; `secrets` are those of `Clean`.
    """
    try:
        make_private_folder(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        handler = RotatingFileHandler(path, maxBytes=most, backupCount=files, encoding="utf-8")
    except OSError:
        return None
    handler.setFormatter(Clean(secrets))
    # A full disk is no reason to write over the screen.
    handler.handleError = lambda record: None  # type: ignore[method-assign]  # logging documents it as a hook
    return handler


class Clean(logging.Formatter):
    """Writes records without keys, tokens and control characters, tracebacks too; what follows is indented.

    - `secrets`: What is cut out, besides what profiles file and environment hold.
    """

    def __init__(self, secrets: Iterable[str | None] = ()) -> None:
        super().__init__("%(asctime)s %(process)d %(threadName)s %(levelname)s %(name)s: %(message)s")
        self._given = {secret for secret in secrets if secret}
        self._read: tuple[float, frozenset[str]] = (-1.0, frozenset())
        self._cut: re.Pattern[str] | None = None

    def hide(self, secret: str | None) -> None:
        """Cut another secret out of what comes."""
        if secret and secret not in self._given:
            self._given.add(secret)
            self._cut = None

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        written = _HEADERS.sub(_without_value, redact(clean(super().format(record))))
        pattern = self._pattern()
        if pattern is not None:
            written = pattern.sub("****", written)
        return written.replace("\n", "\n    ")

    def _pattern(self) -> re.Pattern[str] | None:
        """Return the pattern that finds secrets, compiled again when the profiles file has changed."""
        try:
            changed = paths.profiles().stat().st_mtime
        except OSError:
            changed = 0.0
        if changed != self._read[0]:
            self._read, self._cut = (changed, frozenset(_stored())), None
        if self._cut is None:
            known = {*self._given, *self._read[1]}
            forms = {form for secret in known if len(secret) >= _SHORTEST for form in _forms(secret)}
            # The longest first: one may be a part of another.
            longest = sorted(forms, key=len, reverse=True)
            self._cut = re.compile("|".join(map(re.escape, longest)) or "(?!)")
        return self._cut


_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # else `logging` prints errors where nothing is logged


def hide(secret: str | None) -> None:
    """Cut a secret that was typed just now out of what is logged from here on.

    Who does not know whether anything is logged looks for this module in `sys.modules`, and need not load it.
    """
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, Clean):
            handler.formatter.hide(secret)


def failed(error: BaseException) -> None:
    """Log an error with the way to where it happened."""
    _log.error("%s", type(error).__name__, exc_info=error)


def _without_value(match: re.Match[str]) -> str:
    return f"{match[1]}****"


def _forms(secret: str) -> set[str]:
    """Return a secret as it may be written: as it is, in a URL, as a name and password of basic access."""
    packed = base64.b64encode(secret.encode()).decode()
    return {secret, clean(secret), quote(secret, safe=""), quote_plus(secret), packed, packed.rstrip("=")}


def _stored() -> set[str]:
    """Return the secrets of all profiles, and of the variables that hold some."""
    from .auth.profiles import SECRETS  # with --debug alone

    found = {os.environ.get("MLHUB_API_KEY", "")}
    try:
        file = ProfilesFile.load()
        profiles = [file.get(name) for name in file.names()]
    except Exception:
        # A broken profiles file is no reason not to log; what cannot be read is not sent either.
        profiles = []
    for profile in profiles:
        found.add(profile.api_key or "")
        for option, value in profile.extra.items():
            if option in SECRETS and value:
                found.add(os.environ.get(value, "") if option.endswith("_env") else value)
    for profile in profiles:
        user, password = profile.extra.get("user", ""), profile.extra.get("password", "")
        variable = profile.extra.get("password_env", "")
        password = password or (os.environ.get(variable, "") if variable else "")
        if user and password:
            found.add(f"{user}:{password}")
    return {secret for secret in found if secret}
