"""How a command ends when it cannot do what was asked: one line, a hint, an exit code; no traceback."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from .. import planning, sources  # their modules are loaded when they are used
from ..errors import (
    AccessDenied,
    APIKeyNotFound,
    AuthenticationError,
    EntityDoesNotExist,
    InvalidProfileName,
    InvalidRootURL,
    InvalidSearch,
    MLHubException,
    ProfileNotFound,
)
from ..text import one_line, redact
from .connection import Choice
from .options import guess
from .printing import META

FAILED = 1
USAGE = 2
NO_CREDENTIALS = 3
INTERRUPTED = 130
_ASKS = re.compile(r"`mlhub-tui (list|show|search|download)\b")


def exit_code(error: MLHubException) -> int:
    """Return 3 where credentials are missing or refused, 2 for what was named wrongly, else 1."""
    if isinstance(error, InvalidProfileName | InvalidRootURL | InvalidSearch | ProfileNotFound):
        return USAGE
    refused = isinstance(error, APIKeyNotFound | AuthenticationError | AccessDenied)
    if isinstance(error.__cause__, OSError):  # of the disk that profiles are on
        return FAILED
    return NO_CREDENTIALS if refused else FAILED


def end(code: int) -> None:
    """End the command with an exit code, unless it is 0."""
    if code:
        raise click.exceptions.Exit(code)


def report(error: MLHubException) -> None:
    """Write an error and its hint to stderr, a line each."""
    click.echo(f"mlhub-tui: error: {one_line(redact(error.message))}", err=True)
    if hint := _hint(error):
        click.echo(f"  {one_line(redact(hint))}", err=True)


def _hint(error: MLHubException) -> str:
    """Return a hint with a guess for an id, whose commands ask the source that this command asked."""
    context = click.get_current_context(silent=True)
    if context is None:
        return error.hint
    context = context.meta.get(META + "command", context)
    wrong_name = isinstance(error, EntityDoesNotExist | sources.saved_searches.NoSuchSearch)
    guessed = guess(context, error.message) if wrong_name else ""
    return f"{guessed} {asking_here(error.hint)}".strip()


def asking_here(hint: str, source: str = "") -> str:
    """Return a hint whose commands ask the source that this command asks; where it names none, `source`."""
    context = click.get_current_context(silent=True)
    if context is None:
        return hint
    try:
        choice = Choice.made()
    except click.UsageError:
        return hint
    searched = context.meta.get(META + "command", context).params.get("place")  # of `search SOURCE`
    named = {"source": choice.source or searched, "profile": choice.profile, "root-url": choice.root_url}
    from shlex import quote  # not for a help page

    options = [f"--{option} {quote(value)}" for option, value in named.items() if value]
    if choice.sample or searched == "sample":
        options = ["--sample"]
    elif not options and source:  # of a job of the queue: its root URL, or the sample
        options = ["--sample"] if source == planning.requests.SAMPLE else ["--source", quote(source)]
    return _ASKS.sub(lambda found: " ".join(["`mlhub-tui", *options, found[1]]), hint)


@contextmanager
def failures() -> Iterator[None]:
    """Turn what may go wrong in a command into messages and exit codes.

    A closed pipe is left to click, which ends quietly. A bug of the program is one line too;
    `python -X dev -m mlhub_tui ...` shows where it happened.
    """
    try:
        yield
    except MLHubException as error:
        _log(error)
        report(error)
        raise click.exceptions.Exit(exit_code(error)) from None
    except KeyboardInterrupt:
        raise _interrupted() from None
    except click.Abort as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # at a prompt
            raise _interrupted() from None
        raise
    except (click.ClickException, click.exceptions.Exit):
        raise
    except Exception as error:
        if sys.flags.dev_mode or (isinstance(error, OSError) and error.errno == errno.EPIPE):
            raise
        _log(error)
        report(_bug(error))
        raise click.exceptions.Exit(FAILED) from None


def _interrupted() -> click.exceptions.Exit:
    click.echo("interrupted", err=True)
    return click.exceptions.Exit(INTERRUPTED)


def _log(error: Exception) -> None:
    """Log where it happened, if anything is logged at all: else `logging` need not even be loaded."""
    if (debug := sys.modules.get("mlhub_tui.debug")) is not None:
        debug.failed(error)


def _bug(error: Exception) -> MLHubException:
    if isinstance(error, OSError) and error.strerror:
        what = "" if error.filename or error.errno != errno.ENOSPC else "the output cannot be written: "
        return MLHubException(f"{what}{error.strerror}{f': {error.filename}' if error.filename else ''}")
    return MLHubException(
        f"unexpected {type(error).__name__}: {error}",
        hint="this is a bug; `python -X dev -m mlhub_tui ...` shows where",
    )
