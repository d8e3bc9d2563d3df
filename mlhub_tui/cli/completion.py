"""Words that options and arguments complete to, which are also the guesses for what was mistyped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from ..errors import MLHubException
from ..text import one_line
from .connection import Choice

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ..models import Document

Words = Callable[[], Iterable[tuple[str, str]]]
"""Returns words and what they are, of the command line that is current."""
Completer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]
_MOST = 500
"""Words that are offered: no shell shows more."""
_READERS = ("listing", "", "a key")


def completer(words: Words) -> Completer:
    """Return the `shell_complete` of an option or argument that takes one of these words, or several."""

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

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

    return complete


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean X?` for the nearest of some words; empty where none is near."""
    from difflib import get_close_matches

    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(word.lower(), by_lower, n=1)
    return f"did you mean {one_line(by_lower[near[0]], 100)!r}?" if near else ""


def guess(context: click.Context, message: str) -> str:
    """Return what was probably meant by a word of the command line that an error message names."""
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        for typed in value if isinstance(value, tuple) else (value,):
            if isinstance(typed, str) and typed and typed in message:
                known = [item.value for item in parameter.shell_complete(context, "")]
                if typed not in known and (words := did_you_mean(typed, known)):
                    return words
    return ""


def _profiles() -> Iterable[tuple[str, str]]:
    from ..auth import ProfilesFile

    return ((name, "profile") for name in ProfilesFile.load().names())


def _sources() -> Iterable[tuple[str, str]]:
    from ..sources.well_known import KNOWN

    return dict([*((known.name, known.title) for known in KNOWN), *_profiles()]).items()


def _listed() -> Iterator[tuple[str, str, str]]:
    """Yield kind, id and title of what the source listed last, here or in the app; all of the sample."""
    choice = Choice.made()
    if choice.sample:
        from ..sample.catalog import load

        for dataset in load().datasets.values():
            yield "dataset", dataset.id, dataset.raw.get("title") or ""
            yield from (("collection", entry.id, entry.title or "") for entry in dataset.collections)
        return
    from ..models import Dataset
    from ..sources.last_listing import LastListing

    used = choice.credentials()
    for reader in dict.fromkeys((*_READERS, used.profile or "")):
        for entry in LastListing(used.root_url, reader).load()[0]:
            yield entry.kind.value, entry.id, entry.title
            if isinstance(entry.document, Dataset):
                yield from (("collection", ref.id, entry.title) for ref in entry.document.collections)


def _of_kind(kind: str) -> Words:
    return lambda: ((identity, title) for of, identity, title in _listed() if of == kind)


def _downloads() -> Iterator[tuple[str, str]]:
    if not click.get_current_context().params.get("collections"):
        yield from (("item", "assets of items"), ("dataset", "a dataset, whole or in part"))
    yield from _of_kind("collection")()


def _queueable() -> Iterable[tuple[str, str]]:
    """Return what `queue add` takes: collections, or datasets with `--dataset`."""
    return _of_kind("dataset" if click.get_current_context().params.get("datasets") else "collection")()


def _searches() -> Iterable[tuple[str, str]]:
    from ..sources.saved_searches import SavedSearches

    return ((saved.name, saved.source) for saved in SavedSearches().all())


def _jobs() -> Iterator[tuple[str, str]]:
    from .. import paths
    from ..queue.client import QueueClient
    from ..queue.database import exists

    if exists(paths.queue()):
        with QueueClient(paths.queue()) as client:
            yield from ((str(job.id), f"{job.state} {job.name}") for job in client.jobs())


profile_names, source_names = completer(_profiles), completer(_sources)
dataset_ids, collection_ids = completer(_of_kind("dataset")), completer(_of_kind("collection"))
download_words, queue_words = completer(_downloads), completer(_queueable)
saved_names, job_ids = completer(_searches), completer(_jobs)


def remember(root_url: str, found: Sequence[Document]) -> None:
    """Save what a command listed, for the completion of its ids; not of the sample, whose port changes."""
    if Choice.made().sample:
        return
    from ..models import Entry
    from ..sources.last_listing import LastListing

    with suppress(MLHubException, OSError):
        LastListing(root_url, _READERS[0]).save([Entry.of(document) for document in found])
