"""Downloads of archives of collections and of assets of items, through the engine of the app."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import click

from ...auth import Credentials, Kind
from ...errors import InvalidSearch
from ...models import Document
from ...options import IfExists
from ...planning.assets import AssetSelection, AssetTally, DocumentOrigin, requests_for
from ...planning.requests import SAMPLE, ArchiveRequest
from ...text import one_line
from ..connection import Choice
from ..failures import FAILED, end
from ..output_folder import output_dir
from ..printing import note
from ..source_access import credentials, opened
from .queue_run import transfer


def download_archives(collections: Sequence[str], if_exists: str) -> None:
    """Download the archives of collections."""
    choice, folder = Choice.made(), output_dir()
    with credentials(choice, key_needed=True) as found:
        source = SAMPLE if choice.sample else found.root_url
        requests = [
            ArchiveRequest(source, found.profile, name, folder, IfExists(if_exists), title=name)
            for name in dict.fromkeys(collections)
        ]
        code = asyncio.run(transfer(requests, found))
    end(code)


def download_item_assets(
    collection: str, items: Sequence[str], keys: Sequence[str], roles: Sequence[str], if_exists: str
) -> None:
    """Download assets of items, or of the collection itself where there are none."""
    output_dir()  # refuses a URL before anything is asked

    async def fetch(found: Credentials) -> int:
        async with opened(found) as source:
            names = dict.fromkeys(items)
            documents: list[Document] = [await source.item(collection, name) for name in names]
            documents = documents or [await source.collection(collection)]
            kind = source.kind
        selection = _selection(documents, collection, keys, roles, if_exists, found, kind)
        unknown = list(_unknown(documents, keys, roles))
        if unknown and not selection.requests and not selection.left_out:
            raise InvalidSearch("; ".join(unknown), hint="choose from these with --asset or --role")
        complaints = [*_left_out(selection), *unknown]
        for line in complaints:
            note(line)
        if not selection.requests:
            click.echo("nothing to download", err=True)
            return FAILED
        return await transfer(selection.requests, found) or (FAILED if complaints else 0)

    with credentials(Choice.made(), key_needed=True) as found:
        code = asyncio.run(fetch(found))
    end(code)


def _selection(
    documents: Sequence[Document],
    collection: str,
    keys: Sequence[str],
    roles: Sequence[str],
    if_exists: str,
    found: Credentials,
    kind: Kind,
) -> AssetSelection:
    return requests_for(
        DocumentOrigin(SAMPLE if Choice.made().sample else found.root_url, kind, found.profile),
        documents,
        output_dir(),
        keys=keys,
        roles=roles,
        if_exists=IfExists(if_exists),
        collection_id=collection,
    )


def _unknown(documents: Sequence[Document], keys: Sequence[str], roles: Sequence[str]) -> Iterator[str]:
    """Yield a line for each key and role that none of the documents has."""
    from ..guesses import did_you_mean  # not before the first request

    tally = AssetTally()
    for document in documents:
        tally.add(document)
    found = tally.by_key()
    known_roles = list(dict.fromkeys(role for choice in found for role in choice.roles))
    known_keys = [choice.key for choice in found]
    for what, wanted, known in (("asset", keys, known_keys), ("role", roles, known_roles)):
        for name in wanted:
            if name not in known:
                others = ", ".join(one_line(other, 60) for other in known) or "none"
                near = f"{guess} " if (guess := did_you_mean(name, known)) else ""
                yield f"there is no {what} {one_line(name, 60)!r}; {near}there are: {others}"


def _left_out(selection: AssetSelection) -> Iterator[str]:
    for entry in selection.left_out:
        name = f"{one_line(entry.document_id, 80)} {one_line(entry.key, 60)}"
        yield f"{name} is left out: {one_line(entry.why, 200)}"
