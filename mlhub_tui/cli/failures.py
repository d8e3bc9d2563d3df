"""How a command ends when it cannot do what was asked: one line, a hint, an exit code; no traceback."""

from __future__ import annotations

import errno
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from ..errors import (
    AccessDenied,
    APIKeyNotFound,
    AuthenticationError,
    InvalidRootURL,
    InvalidSearch,
    MLHubException,
    ProfileNotFound,
)
from ..text import one_line, redact
from .options import Choice

_ASKS = re.compile(r"`mlhub-tui (list|show|search|download)\b")
FAILED = 1
USAGE = 2
NO_CREDENTIALS = 3
INTERRUPTED = 130


def exit_code(error: MLHubException) -> int:
    """Return 3 where credentials are missing or refused, 2 for what was named wrongly, else 1."""
    if isinstance(error, InvalidRootURL | InvalidSearch | ProfileNotFound):
        return USAGE
    refused = isinstance(error, APIKeyNotFound | AuthenticationError | AccessDenied)
    return NO_CREDENTIALS if refused else FAILED


def report(error: MLHubException) -> None:
    """Write an error and its hint to stderr, a line each."""
    click.echo(f"mlhub-tui: error: {one_line(redact(error.message))}", err=True)
    if error.hint:
        click.echo(f"  {one_line(redact(_of_source(error.hint)))}", err=True)


def _of_source(hint: str) -> str:
    """Return a hint whose commands ask the source that this command asked."""
    context = click.get_current_context(silent=True)
    if context is None or not _ASKS.search(hint):
        return hint
    try:
        choice = Choice.of(context)
    except click.UsageError:
        return hint
    named = {"source": choice.source, "profile": choice.profile, "root-url": choice.root_url}
    given = [f"--{option} {shlex.quote(value)}" for option, value in named.items() if value]
    return _ASKS.sub(lambda found: " ".join(["`mlhub-tui", *given, found[1]]), hint) if given else hint


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
        click.echo("interrupted", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:
        if sys.flags.dev_mode or (isinstance(error, OSError) and error.errno == errno.EPIPE):
            raise
        _log(error)
        report(_fault(error))
        raise click.exceptions.Exit(FAILED) from None


def _log(error: Exception) -> None:
    """Keep where it happened, if anything is logged at all: else `logging` need not even be loaded."""
    if (debug := sys.modules.get("mlhub_tui.debug")) is not None:
        debug.failed(error)


def _fault(error: Exception) -> MLHubException:
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return MLHubException(f"{error.strerror}{where}")
    return MLHubException(
        f"unexpected {type(error).__name__}: {error}",
        hint="this is a bug; `python -X dev -m mlhub_tui ...` shows where",
    )
