"""What is to be said of a listing after its entries: what was left out, and why it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ..errors import MLHubException
from ..text import count

if TYPE_CHECKING:
    from ..sources.base import Listing, Page, Source

_MOST = 12


class Remarks:
    """Takes note of the pages of a listing as they pass."""

    def __init__(self) -> None:
        self._looked = self._skipped = self._timeless = 0
        self._notes: dict[str, None] = {}

    def take(self, page: Page[Any]) -> None:
        """Take note of a page."""
        self._looked += page.looked or 0
        self._timeless += page.timeless
        self._notes.update(dict.fromkeys(page.notes))
        if not page.notes:  # which say themselves what of their page was left out
            self._skipped += page.skipped

    @contextmanager
    def broken_off(self, listing: Listing[Any], *, cut: bool) -> Iterator[None]:
        """Say of a listing that fails how much of it came, before the error is shown.

        Parameters
        ----------
        cut
            Whether what was printed needs an end, which it has not got.
        """
        try:
            yield
        except MLHubException:
            self.say(listing.loaded, "")
            if listing.loaded:
                say_broken_off(count(listing.loaded, "item"), cut=cut)
            raise

    def say(self, found: int, stopped: str) -> None:
        """Say it all on stderr, a line each.

        Parameters
        ----------
        found
            How many entries the listing gave.
        stopped
            Why it ended although there may be more; empty where it just ended.
        """
        from ..sources.base import ENOUGH, without_time

        lines = list(self._notes)[:_MOST]
        if len(self._notes) > _MOST:
            lines.append(f"and {count(len(self._notes) - _MOST, 'note')} like these")
        if self._looked > found:
            lines.append(f"{count(self._looked, 'item')} looked at on this side")
        if self._timeless:
            lines.append(without_time(self._timeless))
        if self._skipped:
            lines.append(f"{count(self._skipped, 'entry', 'entries')} without an ID left out")
        if stopped and stopped != ENOUGH:
            lines.append(f"there may be more: {stopped}")
        for line in lines:
            click.echo(f"note: {line}", err=True)


def say_broken_off(came: str, *, cut: bool) -> None:
    """Say how much of a listing came; `cut`: that the JSON that was printed of it has no end."""
    end = ": the JSON has no end" if cut else ""
    click.echo(f"note: the listing broke off after {came}{end}", err=True)


def say_of_source(source: Source) -> None:
    """Say on stderr what a source could not read so far, where it keeps account of that."""
    for line in getattr(source, "troubles", ()):
        click.echo(f"note: {line}", err=True)
