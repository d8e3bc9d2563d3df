"""Words that options and arguments complete to, which are also the guesses for what was mistyped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from .. import auth, models, queue, sample, sources  # their modules are loaded when they are used
from ..errors import MLHubException
from ..text import nearest_word, one_line
from .connection import Choice

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ..models import Document

Words = Callable[[], Iterable[tuple[str, str]]]
"""Returns words and what they are, of the command line that is current."""
Completer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]
MOST_WORDS = 500
"""Words that are offered: no shell shows more."""
_READERS = ("listing", "", "a key")
_NAMES = {"item": "items of ", "model": "models"}
"""Names of the listings of a kind; of items the collection's follows."""


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
                if word.startswith(typed) and word not in taken and len(found) < MOST_WORDS:
                    found.setdefault(word, CompletionItem(word, help=one_line(about, 60) or None))
        return list(found.values())

    return complete


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean X?` for the nearest of some words; empty where none is near."""
    by_lower = {each.lower(): each for each in known}
    near = nearest_word(word.lower(), by_lower)
    return f"did you mean {one_line(by_lower[near], 100)!r}?" if near else ""


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
    return ((name, "profile") for name in auth.ProfilesFile.load().names())


def _sources() -> Iterable[tuple[str, str]]:
    known = [(known.name, known.title) for known in sources.well_known.KNOWN]
    return dict([*known, *_profiles()]).items()


def _listed(kind: str) -> Words:
    """Return the ids and titles of a kind that the source listed last, here or in the app.

    Items are those of the collection that stands before them.
    """

    def found() -> Iterator[tuple[str, str]]:
        choice, collection = Choice.made(), ""
        if kind == "item":
            collection = str(click.get_current_context().params.get("collection") or "")
        if choice.sample:
            yield from _of_sample(kind, collection)
            return
        used = choice.credentials()
        listings = [_NAMES[kind] + collection] if kind in _NAMES else [*_READERS, used.profile or ""]
        for name in dict.fromkeys(listings):
            for entry in sources.last_listing.LastListing(used.root_url, name).load()[0]:
                if entry.kind == kind:
                    yield entry.id, entry.title
                elif kind == "collection" and isinstance(entry.document, models.Dataset):
                    yield from ((ref.id, entry.title) for ref in entry.document.collections)

    return found


def _of_sample(kind: str, collection: str) -> Iterator[tuple[str, str]]:
    catalog, item_id = sample.catalog.load(), sample.items.item_id
    if kind == "item" and (entry := catalog.collections.get(collection)) is not None:
        yield from ((item_id(entry, number), "") for number in range(min(entry.items, MOST_WORDS)))
    elif kind == "model":
        yield from ((model.id, "") for model in catalog.models.values())
    elif kind == "dataset":
        yield from ((dataset.id, dataset.raw.get("title") or "") for dataset in catalog.datasets.values())
    elif kind == "collection":
        yield from ((each.id, each.title or "") for each in catalog.collections.values())


def _downloads() -> Iterator[tuple[str, str]]:
    if not click.get_current_context().params.get("collections"):
        yield from (("item", "assets of items"), ("dataset", "a dataset, whole or in part"))
    yield from _listed("collection")()


def _queueable() -> Iterable[tuple[str, str]]:
    """Return what `queue add` takes: collections, or datasets with `--dataset`."""
    return _listed("dataset" if click.get_current_context().params.get("datasets") else "collection")()


def _searches() -> Iterable[tuple[str, str]]:
    return ((saved.name, saved.source) for saved in sources.saved_searches.SavedSearches().all())


def _jobs() -> Iterator[tuple[str, str]]:
    from .. import paths  # not for a help page

    if queue.database.exists(paths.queue()):
        with queue.client.QueueClient(paths.queue()) as client:
            yield from ((str(job.id), f"{job.state} {job.name}") for job in client.jobs())


profile_names, source_names = completer(_profiles), completer(_sources)
dataset_ids, collection_ids = completer(_listed("dataset")), completer(_listed("collection"))
item_ids, model_ids = completer(_listed("item")), completer(_listed("model"))
download_words, queue_words = completer(_downloads), completer(_queueable)
saved_names, job_ids = completer(_searches), completer(_jobs)


def remember(root_url: str, found: Iterable[Document], collection: str = "") -> None:
    """Save what a command listed, for the completion of its ids; not of the sample, whose port changes.

    `collection` is the one whose items were listed, where they need not say so.
    """
    if Choice.made().sample:
        return
    listings: dict[str, list[models.Entry]] = {}
    for entry in map(models.Entry.of, found):
        name = _NAMES.get(entry.kind, _READERS[0])
        name += (collection or entry.collection_id) if entry.kind == "item" else ""
        listings.setdefault(name, []).append(entry)
    with suppress(MLHubException, OSError):
        for name, entries in listings.items():
            sources.last_listing.LastListing(root_url, name).save(entries)
