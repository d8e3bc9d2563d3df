"""The words that options and arguments complete to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import click
from click.shell_completion import CompletionItem

from .. import paths
from ..auth import ProfilesFile
from ..errors import MLHubException
from ..models import Dataset
from ..queue.client import QueueClient
from ..queue.database import exists
from ..sources.last_listing import COMMANDS, LastListing
from ..sources.saved_searches import SavedSearches
from ..sources.well_known import KNOWN
from ..text import one_line
from .connection import Choice

Word = tuple[str, str]
"""A word, and what it is."""
_MOST = 500
"""Words that are offered: no shell shows more."""
_READERS = (COMMANDS, "", "a key")


def completions(
    words: Callable[[], Iterable[Word]], context: click.Context, parameter: click.Parameter, typed: str
) -> list[CompletionItem]:
    """Return those of some words that begin with what was typed, and are not there yet."""
    value = context.params.get(parameter.name or "")
    taken = {str(word) for word in value} if typed == "" and isinstance(value, tuple) else set()
    found: dict[str, CompletionItem] = {}
    # Nobody sees an error while typing: the command itself reports it.
    with (
        suppress(MLHubException, click.ClickException, OSError, ValueError),
        context.scope(cleanup=False),
    ):
        for word, about in words():
            if word.startswith(typed) and word not in taken and len(found) < _MOST:
                found.setdefault(word, CompletionItem(word, help=one_line(about, 60) or None))
    return list(found.values())


def profiles() -> Iterable[Word]:
    """Return the names of the profiles."""
    return ((name, "profile") for name in ProfilesFile.load().names())


def sources() -> Iterable[Word]:
    """Return the names of the public sources and of the profiles."""
    return dict([*((known.name, known.title) for known in KNOWN), *profiles()]).items()


def _listed() -> Iterator[tuple[str, str, str]]:
    """Yield kind, id and title of what the source listed last, here or in the app; all of the sample."""
    choice = Choice.made()
    if choice.sample:
        from ..sample.catalog import load  # the data of the sample

        for dataset in load().datasets.values():
            yield "dataset", dataset.id, dataset.raw.get("title") or ""
            yield from (("collection", entry.id, entry.title or "") for entry in dataset.collections)
        return
    used = choice.credentials()
    for reader in dict.fromkeys((*_READERS, used.profile or "")):
        for entry in LastListing(used.root_url, reader).load()[0]:
            yield entry.kind.value, entry.id, entry.title
            if isinstance(entry.document, Dataset):
                yield from (("collection", ref.id, entry.title) for ref in entry.document.collections)


def _of_kind(kind: str) -> Iterator[Word]:
    return ((identity, title) for of, identity, title in _listed() if of == kind)


def downloads() -> Iterator[Word]:
    """Return the what `download` takes: its commands, and collections."""
    if not click.get_current_context().params.get("collections"):
        yield from (("item", "assets of items"), ("dataset", "a dataset, whole or in part"))
    yield from _of_kind("collection")


def queueable() -> Iterable[Word]:
    """Return what `queue add` takes: collections, or datasets with `--dataset`."""
    return _of_kind("dataset" if click.get_current_context().params.get("datasets") else "collection")


def datasets() -> Iterator[Word]:
    """Return the IDs of the datasets that were listed last."""
    return _of_kind("dataset")


def collections() -> Iterator[Word]:
    """Return the IDs of the collections that were listed last."""
    return _of_kind("collection")


def searches() -> Iterable[Word]:
    """Return the names of the saved searches."""
    return ((saved.name, saved.source) for saved in SavedSearches().all())


def jobs() -> Iterator[Word]:
    """Return the numbers of the transfers in the queue."""
    if exists(paths.queue()):
        with QueueClient(paths.queue()) as client:
            yield from ((str(job.id), f"{job.state} {job.name}") for job in client.jobs())
