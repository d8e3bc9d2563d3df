"""Listings of at most so many entries: how many are left goes along in the opaque link."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TypeVar

from ..errors import UnexpectedAnswer
from .base import ENOUGH, Page

T = TypeVar("T")


def bounded(page: Page[T], left: int | None) -> Page[T]:
    """Return a page of at most `left` entries, whose link says how many are left after it."""
    if left is None:
        return page
    rest = left - len(page.entries)
    if rest <= 0:
        more = page.next is not None or rest < 0
        reason = page.stopped or (ENOUGH if more else "")
        return replace(page, entries=page.entries[:left], next=None, stopped=reason)
    if page.next is None:
        return page
    return replace(page, next=json.dumps({"left": rest, "link": page.next}))


def unbounded(link: str | None, limit: int | None) -> tuple[int | None, str | None]:
    """Return how many are left, and the link inside; `limit` is what counts for the first page.

    Raises
    ------
    UnexpectedAnswer
        If the link is none of `bounded`.
    """
    if link is None or limit is None:
        return limit, link
    try:
        parts = json.loads(link)
        return int(parts["left"]), str(parts["link"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnexpectedAnswer("this is no link to a page") from error
