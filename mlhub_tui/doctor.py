"""Problems and how to fix them: findings on program, terminal, files, queue, network and source."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import ssl
import stat
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from . import paths, queue, sources
from .auth import ProfilesFile, secret_words
from .config import Config, Loaded, abilities
from .errors import MLHubException
from .fileio import bytes_of, nearest, not_folder
from .text import count, one_line, rate, redact, size
from .version import __version__

if TYPE_CHECKING:
    from .auth import Credentials


class Severity(StrEnum):
    """How it stands with what was looked at."""

    OK = "ok"
    NOTE = "note"
    """It works, and there is something to know."""
    WRONG = "wrong"
    """Something does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, clean and without keys.

    - `name`: What was looked at.
    - `value`: What was found, in a line.
    - `state`: How it stands with it.
    - `hint`: How to fix it, in a line.
    """

    name: str
    value: str
    state: Severity = Severity.OK
    hint: str = ""

    def __post_init__(self) -> None:
        """Clean what came from outside."""
        for name in ("name", "value", "hint"):
            object.__setattr__(self, name, one_line(redact(getattr(self, name)), 400))


def note(name: str, value: str, hint: str = "") -> Finding:
    """Return a finding of something to know."""
    return Finding(name, value, Severity.NOTE, hint)


def wrong(name: str, value: str, hint: str = "") -> Finding:
    """Return a finding of something that does not work."""
    return Finding(name, value, Severity.WRONG, hint)


_NEEDED = (
    "textual",
    "httpx",
    "pystac",
    "humanize",
    "click",
    "tomlkit",
    "google-crc32c",
    "starlette",
    "uvicorn",
)
_OPTIONAL = ("shapely", "textual-image")


def look_at_program() -> Iterator[Finding]:
    """Yield the versions; what is needed and missing is wrong."""
    yield Finding("mlhub-tui", __version__)
    yield Finding("python", f"{platform.python_version()} ({sys.executable})")
    yield Finding("system", platform.platform())
    for name in _NEEDED:
        version = _version(name)
        if version is None:
            yield wrong(name, "not installed", "reinstall mlhub-tui with its dependencies")
        else:
            yield Finding(name, version)
    for name in _OPTIONAL:
        if version := _version(name):
            yield Finding(name, version)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def look_at_terminal(config: Config, environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
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
    if config.colours == "auto" and abilities.few_colours(environ) and not abilities.plain_terminal(environ):
        hint = "if it has more: export TERM=xterm-256color (in tmux: tmux-256color) or COLORTERM=truecolor"
        yield note("colours", found, hint)
    else:
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


_LITTLE = 1_000_000_000
"""Bytes; with less room a download is likely to fail."""
_PRIVATE = ("profiles", "queue", "log", "cache")


def look_at_files(loaded: Loaded) -> Iterator[Finding]:
    """Yield the state of all files in MLHUB_HOME, and of the folder that downloads go to."""
    yield from _home()
    for name, path in (
        ("config", paths.config()),
        ("profiles", paths.profiles()),
        ("queue", paths.queue()),
        ("log", paths.log_dir()),
        ("cache", paths.cache()),
    ):
        yield from _file(name, path)
    for problem in loaded.problems:
        yield wrong("config", problem, "fix it with an editor; until then the defaults apply")
    yield from _profiles()
    yield from _crashes()
    yield from _room(loaded.config.download_folder or Path.cwd())


def _home() -> Iterator[Finding]:
    home = paths.home()
    if home.is_dir():
        if os.access(home, os.W_OK | os.X_OK):
            yield Finding("MLHUB_HOME", str(home))
        else:
            yield wrong("MLHUB_HOME", f"{home} cannot be written", "fix its permissions, or set MLHUB_HOME")
    elif not (there := nearest(home.absolute())).is_dir():
        yield wrong("MLHUB_HOME", not_folder(there), "fix or move that, or set MLHUB_HOME")
    elif os.access(there, os.W_OK):
        yield Finding("MLHUB_HOME", f"{home} (created if missing)")
    else:
        yield wrong(
            "MLHUB_HOME", f"{home} cannot be created", "set MLHUB_HOME to a folder that can be written"
        )


def _file(name: str, path: Path) -> Iterator[Finding]:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        yield Finding(name, f"{path} (not there)")
        return
    except OSError as error:
        yield wrong(name, f"{path}: {error.strerror}", "fix its permissions")
        return
    mode = stat.S_IMODE(status.st_mode)
    found = f"{path}, {size(bytes_of(path))}, mode {mode:04o}"
    if os.name == "posix" and name in _PRIVATE and mode & 0o077:
        # Of a folder and the queue that is only what the user let be: they hold no keys.
        grave = wrong if name == "profiles" else note
        yield grave(name, f"{found}: others may read it", f"chmod {'700' if path.is_dir() else '600'} {path}")
    elif not os.access(path, os.R_OK | os.W_OK):
        yield wrong(name, f"{found}: it cannot be read and written", f"chmod u+rw {path}")
    else:
        yield Finding(name, found)


def _profiles() -> Iterator[Finding]:
    try:
        file = ProfilesFile.load()
        for name in file.names():
            words = secret_words(file.get(name), os.environ)
            broken = words.startswith("broken") or "not set" in words
            yield (note if broken else Finding)(f"profile {name}", words)
    except MLHubException as error:
        yield wrong("profiles", error.message, error.hint)


def _crashes() -> Iterator[Finding]:
    try:
        found = sorted(paths.log_dir().glob("crash-*.log"))
    except OSError:
        return
    if found:
        words = f"{count(len(found), 'report')}, the last {found[-1]}"
        yield note("crashes", words, "they hold no keys: send the last one along with a bug report")


def _room(folder: Path) -> Iterator[Finding]:
    there = nearest(folder.absolute())
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        yield wrong("downloads", f"{folder}: {error.strerror}", "choose another download_folder")
        return
    words = f"{folder}, {size(free)} free"
    if not os.access(there, os.W_OK):
        yield wrong("downloads", f"{folder} cannot be written", "choose another folder: --output-dir")
    elif free < _LITTLE:
        yield note("downloads", words, "make room before large downloads; they wait for it")
    else:
        yield Finding("downloads", words)


def look_at_queue() -> Iterator[Finding]:
    """Yield the state of the queue; a file that is missing or damaged is left as it is."""
    path = paths.queue()
    if path.parent.is_dir() and queue.database.lacks_locks(path.parent):
        hint = "set MLHUB_HOME to a local disk; downloads work, and are not saved for the next start"
        yield wrong("file", f"the file system of {path.parent} has no locks", hint)
        return
    try:
        if not queue.database.exists(path):
            queue.database.check_room(path)
            yield Finding("file", f"{path} (made with the first download)")
            return
        _check_queue(path)
        yield Finding("file", f"{path}, whole")
        yield from _transfers()
    except (MLHubException, sqlite3.Error) as error:
        yield wrong("file", str(error), getattr(error, "hint", ""))


def _check_queue(path: Path) -> None:
    """Raise what is wrong with the file; it is opened for reading only."""
    queue.database.check(path)
    queue.database.check_room(path)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2)) as db:
            queue.database.verify(db, path)
    except sqlite3.Error as error:
        raise queue.database.unusable(path, error) from error


def _transfers() -> Iterator[Finding]:
    with queue.client.QueueClient(paths.queue()) as client:
        jobs, runners, settings = client.jobs(), client.repository.runners(), client.repository.settings()
    if runners:
        yield Finding("run by", ", ".join(f"{kind} (pid {pid})" for kind, pid in runners))
    states = Counter(str(job.state) for job in jobs)
    yield Finding("transfers", ", ".join(f"{n} {state}" for state, n in states.most_common()) or "none")
    waiting = sum(not job.state.finished and job.state is not queue.job.JobState.PAUSED for job in jobs)
    if waiting and not runners:
        hint = "start the app, or `mlhub-tui queue run --until-empty`"
        yield note("waiting", f"{waiting}, and nothing runs the queue", hint)
    for job in [job for job in jobs if job.state is queue.job.JobState.FAILED][:3]:
        yield note(f"failed: {job.name}", job.reason, job.hint)
    limit = rate(settings.limit) or "off"
    yield Finding(
        "limits", f"speed {limit}, {settings.transfers} at a time, {settings.per_host} from one host"
    )


_SLOW = 3.0
"""Seconds after which an answer is slow."""


def look_at_network(environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Yield the proxies and certificates in use; no server is contacted."""
    proxies = urllib.request.getproxies()
    for scheme, proxy in sorted(proxies.items()):
        if scheme == "no":
            yield Finding("no proxy for", proxy)
        else:
            yield Finding(f"{scheme} proxy", redact(proxy))
    if not any(scheme != "no" for scheme in proxies):
        yield Finding("proxy", "none")
    yield from _certificates(environ)


def _certificates(environ: Mapping[str, str]) -> Iterator[Finding]:
    named = False
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        value = environ.get(variable, "")
        if value:
            named = True
            there = Path(value).exists()
            hint = f"unset {variable}, or set it to an existing path"
            yield (Finding(variable, value) if there else wrong(variable, f"{value} is not there", hint))
    if not named:
        yield Finding("certificates", "those of the system")
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if environ.get(variable) and not named:
            hint = f'export SSL_CERT_FILE="${variable}"'
            yield note(variable, "is not used here; SSL_CERT_FILE is", hint)
    yield Finding("tls", ssl.OPENSSL_VERSION)


async def ask_source(credentials: Credentials) -> AsyncIterator[Finding]:
    """Check that a source answers and accepts the key; yield the result, with the time taken."""
    where = one_line(redact(credentials.root_url), 300)
    yield Finding("location", where)
    yield Finding("key", credentials.key_origin)
    begun = time.monotonic()
    try:
        source = await sources.probe.open_any(credentials)
        try:
            await sources.open_source.check(source)
            about = await source.about()
        finally:
            await source.aclose()
    except MLHubException as error:
        taken = time.monotonic() - begun
        yield wrong("answer", f"{error.message} (after {taken:.1f} s)", error.hint)
        return
    taken = time.monotonic() - begun
    words = ", ".join(filter(None, (source.kind, about.title, f"in {taken * 1000:,.0f} ms")))
    if taken > _SLOW:
        yield note("answer", words, "the source or the way to it is slow; lists are fetched as needed")
    else:
        yield Finding("answer", words)
    for word in about.notes:
        yield note("says", word)
