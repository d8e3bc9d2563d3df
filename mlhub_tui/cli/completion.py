"""What completes options and arguments: loads the words when the shell asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Completer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def completer(words: str | Callable[[], Iterable[tuple[str, str]]]) -> Completer:
    """Return the `shell_complete` of an option or argument that takes one of some words, or several.

    `words` returns them, each with what it is; or is the name of a function of `completable` that does.
    """

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        from . import completable  # not for a help page

        found = getattr(completable, words) if isinstance(words, str) else words
        return completable.completions(found, context, parameter, typed)

    return complete


profile_names, source_names = completer("profiles"), completer("sources")
dataset_ids, collection_ids = completer("datasets"), completer("collections")
download_words, queue_words = completer("downloads"), completer("queueable")
saved_names, job_ids = completer("searches"), completer("jobs")
