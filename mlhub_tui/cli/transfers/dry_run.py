"""The dry run of the download of a dataset: how many files and bytes it would be."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click

from ...auth import Credentials, Kind
from ...errors import InvalidSearch
from ...planning.dataset_plan import costs, plan_dataset
from ...planning.requests import CHOOSE_KEYS
from ...planning.selection import Amount, count_files, notes
from ...queue.run_job import job_context
from ...sources.base import Source
from ...text import one_line, size
from ..json_writer import print_json
from ..printing import given, note, print_table
from .bars import Bars
from .dataset_arguments import DatasetArguments
from .progress import can_redraw

_REDRAW = 0.2
_HEADERS = ("COLLECTION", "ASSET", "FILES", "SIZE")


class DryRun:
    """Prints what a download would be, as a table or as JSON; nothing but the cache is written."""

    def __init__(self, asked: DatasetArguments, as_json: bool) -> None:
        self._asked, self._as_json = asked, as_json

    async def print(self, source: Source, found: Credentials) -> None:
        """Print files and bytes by collection and asset key."""
        identity, collections = await self._asked.known(source)
        if await self._asked.by_archives(source, identity):
            await self._print_archives(source, identity, collections)
        elif self._asked.filters.catalog_only:
            info = await source.catalog_info(identity) if source.kind is Kind.MLHUB else None
            catalog = info.stac_catalog_size if info is not None else None
            if self._as_json:
                print_json(_document(0, 0, {}) | {"catalog_bytes": catalog})
            else:
                known = "of unknown size" if catalog is None else size(catalog)
                click.echo(f"the catalog alone, {known}: no assets")
        else:
            await self._print_assets(source, found, identity)

    async def _print_assets(self, source: Source, found: Credentials, identity: str) -> None:
        filters, status = self._asked.filters, _StatusLine()
        try:
            index = await plan_dataset(
                self._asked.request(source, found, identity), source, job_context, status
            )
        finally:
            status.clear()
        with index:
            counts = count_files(index, filters)
            unknown = index.unknown_keys(filters.collections)
            if unknown and counts.empty:
                raise InvalidSearch("; ".join(unknown), hint=CHOOSE_KEYS)
            if counts.empty and not counts.paid:
                note("nothing matches: widen the area or the time, or choose others")
            for line in (*unknown, *notes(counts, filters), *index.facts["notes"]):
                note(line)
        if self._as_json:
            print_json(counts.to_json())
            return
        rows: list[tuple[object, ...]] = []
        for name, amount in counts.collections.items():
            rows.append((name, "", amount.files, _size(amount)))
            parts = [(key, part) for (of, key), part in counts.keys.items() if of == name]
            rows += [("", key, part.files, _size(part)) for key, part in parts]
        print_table(_HEADERS, [*rows, ("all", "", counts.all.files, _size(counts.all))])

    async def _print_archives(self, source: Source, identity: str, names: Sequence[str]) -> None:
        found = await costs(source, identity, names)
        for name in found.missing:
            note(f"{one_line(name, 80)} has no archive")
        if self._as_json:
            parts = {name: {"files": 1, "bytes": known} for name, known in found.archives.items()}
            print_json(_document(len(found.archives), found.archives_size, parts))
            return
        rows: list[tuple[object, ...]] = [
            (name, "", 1, size(known)) for name, known in found.archives.items()
        ]
        print_table(_HEADERS, [*rows, ("all", "", len(found.archives), size(found.archives_known))])


def _document(files: int, known: int | None, collections: dict[str, Any]) -> dict[str, Any]:
    return {"files": files, "bytes": known, "collections": collections, "asset_keys": {}}


def _size(amount: Amount) -> str:
    if amount.bytes is not None:
        return size(amount.bytes)
    return f"{size(amount.known)} or more" if amount.known else "not stated"


class _StatusLine:
    """A line on a terminal that shows how far the reading of a catalog is; none elsewhere."""

    def __init__(self) -> None:
        self._bars = Bars() if can_redraw() and not given("quiet") else None
        self._last = 0.0

    def __call__(self, words: str, done: int, whole: int | None) -> None:
        """Show words, and how many bytes of how many are read."""
        now = time.monotonic()
        if self._bars is not None and now - self._last >= _REDRAW:
            self._last = now
            self._bars.show(f"{words}{f', {size(done)} of {size(whole)}' if whole else ''}")

    def clear(self) -> None:
        """Wipe it."""
        if self._bars is not None:
            self._bars.clear()
