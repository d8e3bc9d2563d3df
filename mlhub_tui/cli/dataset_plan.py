"""What a dry run prints: files and bytes by collection and asset key, as a table or as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ..auth import Kind
from ..errors import InvalidSearch
from ..text import count, one_line, size
from .dataset_command import DatasetCommand
from .options import is_terminal
from .tables import cut, table, terminal_width

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..planning.index import Index
    from ..planning.selection import Amount, Counts
    from ..sources.base import Source

_HEADERS = ("COLLECTION", "ASSET", "FILES", "SIZE")
_REDRAW = 0.2


async def show_plan(command: DatasetCommand, source: Source, found: Credentials) -> int:
    """Print what a download would be, and return the exit code; nothing but the cache is written."""
    identity, collections = await command.known(source)
    if await command.by_archives(source, identity):
        return await _archives(command, source, identity, collections)
    from ..planning.dataset_plan import plan_dataset
    from ..planning.selection import count_files
    from ..queue.run_job import job_context

    if command.filters.catalog_only:
        return await _catalog_only(command, source, identity)
    said = _Said()
    try:
        index = await plan_dataset(command.request(source, found, identity), source, job_context, said)
    finally:
        said.clear()
    with index:
        _print(command, count_files(index, command.filters), index)
    return 0


def _print(command: DatasetCommand, counts: Counts, index: Index) -> None:

    unknown = index.unknown_keys(command.filters.collections)
    if unknown and counts.empty:
        raise InvalidSearch("; ".join(unknown), hint="choose from these asset keys")
    for line in (*unknown, *_notes(counts, command), *_noted(index)):
        click.echo(f"note: {line}", err=True)
    if command.as_json:
        click.echo(json.dumps(counts.to_json(), indent=2))
        return
    rows: list[tuple[object, ...]] = []
    for name, amount in counts.collections.items():
        rows.append((name, "", *_cells(amount)))
        rows += [("", key, *_cells(part)) for (of, key), part in counts.keys.items() if of == name]
    rows.append(("all", "", *_cells(counts.all)))
    for line in table(_HEADERS, rows, terminal_width()):
        click.echo(line)


def _notes(counts: Counts, command: DatasetCommand) -> list[str]:
    """Return what a person should know of a selection."""
    from ..planning.selection import paid_words

    notes = []
    if counts.paid:
        notes.append(paid_words(counts))
    elif counts.empty:
        notes.append("nothing matches: widen the area or the time, or choose others")
    if not counts.empty and counts.no_items and command.filters.selects_items:
        notes.append("no item matches: these are the collections' own files")
    if command.filters.when is not None and counts.timeless:
        notes.append(f"{count(counts.timeless, 'item')} without a time that can be read: included")
    if (command.filters.bbox or command.filters.intersects) and counts.placeless:
        notes.append(f"{count(counts.placeless, 'item')} without a place: included")
    if counts.faults:
        notes.append(f"{count(counts.faults, 'asset')} of the catalog without an href")
    return notes


def _noted(index: Index) -> list[str]:
    return [one_line(line, 300) for line in index.facts["notes"]]


def _cells(amount: Amount) -> tuple[object, ...]:
    if amount.bytes is not None:
        return amount.files, size(amount.bytes)
    return amount.files, f"{size(amount.known)} or more" if amount.known else "not stated"


async def _catalog_only(command: DatasetCommand, source: Source, identity: str) -> int:
    """Say how large the catalog is; there is none of a source whose catalogs are no archives."""
    info = await source.catalog_info(identity) if source.kind is Kind.MLHUB else None
    there = info.stac_catalog_size if info is not None else None
    if command.as_json:
        click.echo(json.dumps(_document(0, 0, {}) | {"catalog_bytes": there}, indent=2))
    else:
        click.echo(f"the catalog alone, {size(there) if there is not None else 'of unknown size'}: no assets")
    return 0


async def _archives(command: DatasetCommand, source: Source, identity: str, names: Sequence[str]) -> int:
    from ..planning.dataset_plan import costs

    found = await costs(source, identity, names)
    there = [cost for cost in found.archives if cost.there]
    for name in found.missing:
        click.echo(f"note: {one_line(name, 80)} has no archive", err=True)
    if command.as_json:
        parts = {cost.collection: _amount(1, cost.size) for cost in there}
        click.echo(json.dumps(_document(len(there), found.archives_size, parts), indent=2))
        return 0
    rows: list[tuple[object, ...]] = [(cost.collection, "", 1, size(cost.size)) for cost in there]
    rows.append(("all", "", len(there), size(found.archives_known)))
    for line in table(_HEADERS, rows, terminal_width()):
        click.echo(line)
    return 0


def _document(files: int, known: int | None, collections: dict[str, Any]) -> dict[str, Any]:
    return {**_amount(files, known), "collections": collections, "asset_keys": {}}


def _amount(files: int, known: int | None) -> dict[str, Any]:
    return {"files": files, "bytes": known}


class _Said:
    """A line on a terminal that says how far the reading of a catalog is."""

    def __init__(self) -> None:
        self._shown = is_terminal(sys.stderr)
        self._last = 0.0

    def __call__(self, words: str, done: int, whole: int | None) -> None:
        now = time.monotonic()
        if not self._shown or now - self._last < _REDRAW:
            return
        self._last = now
        share = f", {size(done)} of {size(whole)}" if whole else ""
        line = cut(f"{words}{share}", (terminal_width() or 80) - 1)
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Wipe it."""
        if self._shown and self._last:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
