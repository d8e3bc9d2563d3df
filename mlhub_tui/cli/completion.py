"""Shell completion: the command that prints a shell's script, and what options and arguments complete to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from ..errors import MLHubException
from ..text import one_line
from .options import Choice, Command

if TYPE_CHECKING:
    from ..models import Dataset, Document

_MOST = 500
"""Words that are offered: no shell shows more."""
_READERS = ("listing", "", "a key")
EPILOG = """\b
Examples:
  eval "$(mlhub-tui completion bash)"                   for this shell
  mlhub-tui completion bash >> ~/.bashrc                for each new one
  mlhub-tui completion zsh >> ~/.zshrc                  after compinit
  mlhub-tui completion fish > ~/.config/fish/completions/mlhub-tui.fish
"""

Words = Callable[[click.Context], Iterable[tuple[str, str]]]
"""Returns words and what they are."""


@click.command("completion", cls=Command, epilog=EPILOG, short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    It completes commands and options, the names of profiles, sources and saved searches, the IDs of the
    datasets and collections that were listed last, and those of the transfers in the queue.
    """
    made = SHELLS[shell](context.find_root().command, {}, "mlhub-tui", "_MLHUB_TUI_COMPLETE")
    # Not `made.source()`, which asks bash for its version first.
    click.echo(made.source_template % made.source_vars())


def _profiles(context: click.Context) -> Iterable[tuple[str, str]]:
    from ..auth import ProfilesFile

    return ((name, "profile") for name in ProfilesFile.load().names())


def _sources(context: click.Context) -> Iterable[tuple[str, str]]:
    from ..sources.well_known import KNOWN

    return dict([*((known.name, known.title) for known in KNOWN), *_profiles(context)]).items()


def _collections(context: click.Context) -> Iterable[tuple[str, str]]:
    from ..models import Dataset

    for document in _listed(context):
        if isinstance(document, Dataset):
            yield from ((ref.id, document.title) for ref in document.collections)
        else:
            yield document


def _downloads(context: click.Context) -> Iterable[tuple[str, str]]:
    if not context.params.get("collections"):
        yield from (("item", "assets of items"), ("dataset", "a dataset, whole or in part"))
    yield from _collections(context)


def _datasets(context: click.Context) -> Iterable[tuple[str, str]]:
    from ..models import Dataset

    return ((entry.id, entry.title) for entry in _listed(context) if isinstance(entry, Dataset))


def _listed(context: click.Context) -> Iterable[Dataset | tuple[str, str]]:
    """Yield what the source listed last, in the command line or in the app: datasets, or ids and titles."""
    from ..models import Dataset, EntryKind
    from ..sources.last_listing import LastListing

    root_url, profile = _location(context)
    for reader in dict.fromkeys((*_READERS, profile)):
        for entry in LastListing(root_url, reader).load()[0]:
            if isinstance(entry.document, Dataset):
                yield entry.document
            elif entry.kind is EntryKind.COLLECTION:
                yield entry.id, entry.title


def _location(context: click.Context) -> tuple[str, str]:
    """Return the root URL and the profile of the source that is named so far; nothing is requested."""
    from ..auth import resolve_or_anonymous
    from ..sources.source_names import choose

    choice = Choice.of(context)
    if choice.source is not None:
        used = choose(choice.source, api_key=choice.api_key)
    else:
        used = resolve_or_anonymous(api_key=choice.api_key, profile=choice.profile, root_url=choice.root_url)
    return used.root_url, used.profile or ""


def remember(root_url: str, found: Sequence[Document]) -> None:
    """Save what a command listed, for the completion of its ids; not of the sample, whose port changes."""
    if Choice.of(click.get_current_context()).sample:
        return
    from ..models import Entry
    from ..sources.last_listing import LastListing

    with suppress(MLHubException, OSError):
        LastListing(root_url, _READERS[0]).save([Entry.of(document) for document in found])


def _searches(context: click.Context) -> Iterable[tuple[str, str]]:
    from ..sources.saved_searches import SavedSearches

    return ((saved.name, saved.source) for saved in SavedSearches().all())


def _jobs(context: click.Context) -> Iterable[tuple[str, str]]:
    from .. import paths
    from ..queue.database import exists
    from .desk import open_desk

    if not exists(paths.queue()):
        return
    with open_desk() as client:
        yield from ((str(job.id), f"{job.state} {job.name}") for job in client.jobs())


_WORDS = {
    "profile": _profiles,
    "source": _sources,
    "place": _sources,
    "collection": _collections,
    "collections": _collections,
    "dataset": _datasets,
    "saved": _searches,
    "forget": _searches,
    "job_id": _jobs,
    "archives collections": _downloads,
    "remove name": _profiles,
    "dataset ids": _datasets,
    "collection ids": _collections,
    **{f"{name} ids": _jobs for name in ("pause", "resume", "retry", "cancel", "clear", "verify")},
}
"""What a parameter completes to, by its name, or by that of its command and its own."""


def _complete(
    words: Words, parameter: click.Parameter, context: click.Context, typed: str
) -> list[CompletionItem]:
    """Return what a parameter completes to; what cannot be read completes to nothing."""
    given = context.params.get(parameter.name or "")
    taken = {str(word) for word in given} if isinstance(given, tuple) else set()
    found: dict[str, CompletionItem] = {}
    # Nobody sees an error while typing: the command itself reports it.
    with suppress(MLHubException, click.ClickException, OSError, ValueError):
        for word, help_text in words(context):
            if word.startswith(typed) and word not in taken and len(found) < _MOST:
                found.setdefault(word, CompletionItem(word, help=one_line(help_text, 60) or None))
    return list(found.values())


def _complete_parameters(command: click.Command) -> None:
    for parameter in command.params:
        words = _WORDS.get(f"{command.name} {parameter.name}") or _WORDS.get(parameter.name or "")
        if words is not None:
            complete = partial(_complete, words, parameter)
            parameter.shell_complete = complete  # type: ignore[method-assign]  # of this one alone


class _Completing(ShellComplete):
    """Completes the parameters of the commands on the line to words of the program."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """Return what completes a word, after the words before it."""
        command = self.cli
        _complete_parameters(command)
        for word in args:
            group = command if isinstance(command, click.Group) else None
            found = group.get_command(click.Context(group), word) if group else None
            if found is None:
                continue
            command = found
            _complete_parameters(command)
            for inner in command.commands.values() if isinstance(command, click.Group) else ():
                _complete_parameters(inner)  # what stands for a command that is left out, too
        return super().get_completions(args, incomplete)


class _Bash(_Completing, BashComplete):
    """Completes in bash."""


class _Zsh(_Completing, ZshComplete):
    """Completes in zsh."""


class _Fish(_Completing, FishComplete):
    """Completes in fish."""


SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


def register() -> None:
    """Let click complete with these classes, where a shell asks it to."""
    for name, shell in SHELLS.items():
        add_completion_class(shell, name)
