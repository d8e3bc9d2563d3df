"""Errors of the Python API that are built-in exceptions too, as scripts of radiant_mlhub catch them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from ..errors import DownloadError, InvalidSearch, MLHubException, OutputFolderError

_KINDS: tuple[tuple[type[MLHubException], tuple[type[Exception], ...]], ...] = (
    (OutputFolderError, (OSError, ValueError)),
    (DownloadError, (OSError,)),
    (InvalidSearch, (ValueError,)),
)
"""Which built-in exceptions a kind of error is; the first that fits counts.

Inside the program they are not: an `except OSError` there means what the system says.
"""


@contextmanager
def builtin_kinds() -> Iterator[None]:
    """Raise errors of the block with their hint, as kinds of the built-in exceptions that they amount to."""
    try:
        yield
    except MLHubException as error:
        error.shows_hint = True
        for kind, builtins in _KINDS:
            if isinstance(error, kind) and not isinstance(error, builtins):
                raise _rebuilt(type(error), builtins, error.message, error.hint) from error.__cause__
        raise


def _rebuilt(
    kind: type[MLHubException], builtins: tuple[type[Exception], ...], message: str, hint: str
) -> MLHubException:
    error = _also(kind, builtins)(message, hint=hint)  # type: ignore[arg-type]  # classes are hashable
    error.shows_hint = True
    return error


@lru_cache
def _also(kind: type[MLHubException], builtins: tuple[type[Exception], ...]) -> type[MLHubException]:
    """Return the error's class, which is also the built-in ones; pickled by what it is made of."""

    def reduce(self: MLHubException) -> tuple[object, ...]:
        return _rebuilt, (kind, builtins, self.message, self.hint)

    names = {"__doc__": kind.__doc__, "__module__": kind.__module__, "__reduce__": reduce}
    return type(kind.__name__, (kind, *builtins), names)
