"""`mlhub-tui download item`: assets of items, or of a collection itself, through the engine of the app."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import InvalidSearch
from ..options import IfExists
from ..planning.requests import SAMPLE
from ..text import one_line
from .connect import credentials, show_waits
from .failures import FAILED
from .options import (
    Choice,
    Command,
    connection_options,
    if_exists_option,
    output_dir,
    output_option,
    patience_option,
)

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..models import Document
    from ..planning.asset_request import AssetSelection
    from ..sources.base import Source

EPILOG = """\b
Examples:
  mlhub-tui download item COLLECTION ITEM --asset B04 --asset B08
  mlhub-tui download item COLLECTION ITEM1 ITEM2 --role data --output-dir ~/data
  mlhub-tui download item COLLECTION --asset thumbnail   of the collection itself

\b
The files are COLLECTION/ITEM/KEY.EXT in the output folder. On stdout are the
paths of whole files, one per line, and nothing else.
"""


@click.command(cls=Command, epilog=EPILOG, short_help="Download assets of items.")
@click.argument("collection")
@click.argument("items", nargs=-1, metavar="[ITEM]...")
@click.option("--asset", "keys", multiple=True, metavar="KEY", help="An asset's key; may be repeated.")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="All assets of a role; may be repeated.")
@output_option
@if_exists_option
@patience_option
@connection_options
@click.pass_context
def item(
    context: click.Context,
    collection: str,
    items: tuple[str, ...],
    keys: tuple[str, ...],
    roles: tuple[str, ...],
    if_exists: str,
) -> None:
    """Download assets of items: all of them, or those of a key or a role.

    Without an ITEM it is the collection's own assets. Works with sources of every kind.
    """
    import asyncio

    choice, folder = Choice.of(context), output_dir(context)
    with credentials(choice, key_needed=True) as found:
        wanted = _Wanted(collection, items, keys, roles, folder, IfExists(if_exists), choice.sample)
        code = asyncio.run(wanted.fetch(found))
    if code:
        raise click.exceptions.Exit(code)


class _Wanted:
    """What one command asks for."""

    def __init__(
        self,
        collection: str,
        items: Sequence[str],
        keys: Sequence[str],
        roles: Sequence[str],
        folder: Path,
        if_exists: IfExists,
        sample: bool,
    ) -> None:
        self._collection = collection
        self._items = tuple(dict.fromkeys(items))
        self._keys, self._roles = keys, roles
        self._folder, self._if_exists = folder, if_exists
        self._sample = sample

    async def fetch(self, found: Credentials) -> int:
        """Fetch everything and return the exit code."""
        from ..sources.open_source import open_source
        from ..sources.probe import with_kind
        from .transfers import transfer

        found = await with_kind(found)
        source = open_source(found)
        show_waits(source)
        try:
            documents = await self._documents(source)
        finally:
            await source.aclose()
        selection = self._selection(documents, source, found)
        unknown = list(self._unknown(documents))
        if unknown and not selection.requests and not selection.left_out:
            raise InvalidSearch("; ".join(unknown), hint="choose from these with --asset or --role")
        complaints = [*_left_out(selection), *unknown]
        for line in complaints:
            click.echo(f"note: {line}", err=True)
        if not selection.requests:
            click.echo("nothing to download", err=True)
            return FAILED
        code = await transfer(selection.requests, found)
        return code or (FAILED if complaints else 0)

    async def _documents(self, source: Source) -> list[Document]:
        if not self._items:
            return [await source.collection(self._collection)]
        return [await source.item(self._collection, name) for name in self._items]

    def _selection(self, documents: Sequence[Document], source: Source, found: Credentials) -> AssetSelection:
        from ..planning.asset_request import DocumentOrigin, requests_for

        place = SAMPLE if self._sample else found.root_url
        return requests_for(
            DocumentOrigin(place, source.kind, found.profile),
            documents,
            self._folder,
            keys=self._keys,
            roles=self._roles,
            if_exists=self._if_exists,
            collection_id=self._collection,
        )

    def _unknown(self, documents: Sequence[Document]) -> Iterable[str]:
        """Return a line for each key and role that none of the documents has."""
        from ..planning.asset_tally import AssetTally

        tally = AssetTally()
        for document in documents:
            tally.add(document)
        found = tally.by_key()
        keys = [choice.key for choice in found]
        roles = list(dict.fromkeys(role for choice in found for role in choice.roles))
        for what, wanted, there in (("asset", self._keys, keys), ("role", self._roles, roles)):
            for name in wanted:
                if name not in there:
                    others = ", ".join(one_line(other, 60) for other in there) or "none"
                    yield f"there is no {what} {one_line(name, 60)!r}; there are: {others}"


def _left_out(selection: AssetSelection) -> Iterable[str]:
    for entry in selection.left_out:
        name = f"{one_line(entry.document_id, 80)} {one_line(entry.key, 60)}"
        yield f"{name} is left out: {one_line(entry.why, 200)}"
