"""Page sizes that a server refuses: which smaller ones to ask for instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..errors import AnswerTooLarge, RequestError
from .steps import Step

_REFUSED = frozenset({400, 422})
_TOO_LARGE = frozenset({413, 502, 504})
"""What gateways answer where a page has more bytes, or takes more seconds, than they pass on."""
_SIZES = (50, 25, 10, 5, 1)
_UNKNOWN = (10, 1)  # where the request leaves the size to the server
_ABOUT_SIZE = re.compile(r"limit|page|size|too (many|large|big)|maximum|exceed|at most", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])\d{1,6}(?![\w.]*\w)")
_MOST = "limit"
_PAGE = "page"


def may_be_size(error: RequestError) -> bool:
    """Whether a request may have failed for the number of entries that it asked for."""
    return error.status in _REFUSED | _TOO_LARGE or isinstance(error, AnswerTooLarge)


def smaller(step: Step, error: RequestError) -> Iterator[Step]:
    """Yield the requests to try, one after the other, in place of one that failed.

    They begin at the same entry: offsets and tokens stay, the number of a page becomes that of the smaller
    page with the same first entry. A refusal that does not speak of a size is answered once, by leaving the
    size to the server.
    """
    limit, page = _value(step, _MOST), _value(step, _PAGE)
    if error.status in _REFUSED:
        sizes = _named(error, limit) if limit else ()
    else:
        sizes = tuple(size for size in _SIZES if size < limit) if limit else _UNKNOWN
    for size in sizes:
        if page is None or page <= 1:
            yield _with(step, _MOST, size)
        elif limit and (page - 1) * limit % size == 0:
            yield _with(_with(step, _MOST, size), _PAGE, (page - 1) * limit // size + 1)
    if error.status in _REFUSED and limit and (page is None or page <= 1):
        yield _with(step, _MOST, None)


def limit_of(step: Step) -> int | None:
    """Return how many entries a step asks for; None where it leaves that to the server."""
    return _value(step, _MOST)


def _named(error: RequestError, limit: int) -> tuple[int, ...]:
    """Return the sizes to try after a refusal: the bound that it names, else some."""
    words = error.message.partition(f"{error.url}: ")[2]
    if not _ABOUT_SIZE.search(words):
        return ()
    bounds = [int(found) for found in _NUMBER.findall(words)]
    named = max((bound for bound in bounds if 1 < bound < limit), default=0)
    others = tuple(size for size in _SIZES if size < (named or limit))
    return (named, *others) if named else others


def _value(step: Step, name: str) -> int | None:
    found: Any = (step.body or {}).get(name)
    if found is None:
        match = re.search(rf"[?&]{name}=(\d+)(?=&|#|$)", step.url)
        found = int(match[1]) if match else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def _with(step: Step, name: str, value: int | None) -> Step:
    """Return a step with another value of a parameter, or without it; all else stays letter by letter."""
    if step.method == "POST" and (step.body is not None):
        rest = {key: kept for key, kept in step.body.items() if key != name}
        return replace(step, body=rest if value is None else {**step.body, name: value})
    base, _, query = step.url.partition("?")
    parts = [part for part in query.split("&") if part]
    kept = [part for part in parts if part.partition("=")[0] != name]
    if value is not None:
        at = next((n for n, part in enumerate(parts) if part.partition("=")[0] == name), len(kept))
        kept.insert(at, f"{name}={value}")
    return replace(step, url=base + ("?" + "&".join(kept) if kept else ""))
