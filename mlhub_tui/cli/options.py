"""Options that more than one command takes, the words they complete to, and how a help lists them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .. import auth, http, models, queue, sample, sources  # their modules are loaded when they are used
from ..errors import InvalidSearch, MLHubException
from ..fileio import not_folder
from ..text import nearest_word, one_line, parse_rate
from .connection import OPTIONS as CONNECTION
from .connection import Choice
from .printing import META

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem  # when a shell asks

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
    known = [(known.name, known.title) for known in sources.open_source.KNOWN]
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
            for entry in http.cache.LastListing(used.root_url, name).load()[0]:
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
            http.cache.LastListing(root_url, name).save(entries)


_F = TypeVar("_F", bound=Callable[..., Any])
Option = Callable[[_F], _F]


def option(spec: str, about: str, *, name: str = "", **attributes: Any) -> Option[Any]:
    """Declare an option as its help shows it: `-c, --collection ID`; one without a value is a flag.

    `name` is that of the function's parameter, where it is another one; `attributes` are those of
    `click.option`.
    """
    names, _, metavar = spec.replace(", ", ",").partition(" ")
    if metavar:
        attributes["metavar"] = metavar
    elif "type" not in attributes and "flag_value" not in attributes:
        attributes["is_flag"] = True
    return click.option(*names.split(","), *filter(None, [name]), help=about, **attributes)


def remembered(
    spec: str, about: str, *, convert: Callable[[str], Any] | None = None, **attributes: Any
) -> Option[Any]:
    """Declare an option that `printing.given` gives to all of the command line; the last one given counts.

    It may stand before or after a command. `convert` makes its value of what was typed; the others are those
    of `option`.
    """

    def remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if value is not None and value is not False:
            context.meta[META + str(parameter.name)] = convert(value) if convert else value
        return value

    return option(spec, about, expose_value=False, callback=remember, **attributes)


def all_of(*options: Option[Any]) -> Option[Any]:
    """Return what adds several options to a command, in their order."""

    def add(command: _F) -> _F:
        for each in reversed(options):
            command = each(command)
        return command

    return add


def _folder(value: str) -> Path | str:
    """Return an absolute folder, or the URL of a store."""
    from pathlib import Path  # not for a help page

    try:
        folder: Path | None = None
        if ":" in value or "//" in value:
            from .. import output  # for a URL alone

            folder, url = output.parse(value)
            if folder is None:
                return url
        folder = folder or Path(value).expanduser().absolute()
        in_the_way = os.path.lexists(folder) and not folder.is_dir()
    except MLHubException as error:
        raise click.BadParameter(f"{error.message}: {error.hint}") from None
    except (RuntimeError, ValueError, OSError) as error:
        raise click.BadParameter(f"{value!r}: {error}") from None
    if in_the_way:
        raise click.BadParameter(not_folder(folder))
    return folder


json_option = option("--json", "Print JSON, nothing else.", name="as_json")
api_key_option = remembered(
    "--api-key KEY", "Use this key. Others can see it in `ps`: MLHUB_API_KEY is the safer way."
)
connection_options = all_of(
    remembered(
        "--source URL|PATH|NAME",
        "Use this source: a STAC API, a catalog.json, a folder, a .tar.gz, a profile,"
        " or a public source (see `sources list --known`).",
        shell_complete=source_names,
    ),
    remembered("--profile NAME", "Use the key and root URL of this profile.", shell_complete=profile_names),
    api_key_option,
    remembered("--root-url URL", "Use the MLHub API at this URL."),
    remembered("--sample", "Use the built-in sample catalog: no key, no network."),
)
output_option = remembered(
    "--output-dir DIR",
    "Where downloads go; created if missing.  [default: as in config.toml, else the current one]",
    convert=_folder,
)


def _if_exists(context: click.Context, parameter: click.Parameter, value: str) -> Any:
    from ..options import IfExists  # not for a help page

    return IfExists(value)


if_exists_option = option(
    "--if-exists",
    "What to do with a file that is there: resume compares its size and fetches what is missing.",
    type=click.Choice(["resume", "skip", "overwrite"]),
    default="resume",
    show_default=True,
    callback=_if_exists,
)
patience_option = remembered(
    "--first-byte-timeout SECONDS",
    "How long a server may take to begin with a file.  [default: as config.toml says, else 120]",
    type=click.IntRange(1, 86_400),
)
progress_options = all_of(
    remembered("-q, --quiet", "Print errors and warnings only: no progress."),
    remembered("-v, --verbose", "Print each step as a line, without a terminal too."),
)


def _area(context: click.Context, parameter: click.Parameter, typed: str | None) -> Any:
    """Return the box or the GeoJSON geometry of an option; InvalidSearch if it is none, or both are given."""
    if typed is None:
        return None
    if context.params.get("intersects" if parameter.name == "bbox" else "bbox") is not None:
        words = "--bbox and --intersects are both given: an area is a box or a geometry"
        raise InvalidSearch(words, hint="leave one of them out")
    if parameter.name == "bbox":
        return models.parse_bbox(typed)
    if not typed.lstrip().startswith("{"):
        return models.read_geometry(typed)
    try:
        return models.geometry_of(json.loads(typed))
    except (ValueError, RecursionError):
        raise InvalidSearch("what is given with --intersects is no JSON, and no file") from None


def parsed(parse: Callable[[str], Any]) -> Callable[..., Any]:
    """Return the callback of an option or argument whose value a function makes of what was typed."""

    def convert(context: click.Context, parameter: click.Parameter, typed: str | None) -> Any:
        try:
            return None if typed is None else parse(typed)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return convert


speed = parsed(lambda typed: parse_rate(typed) or 0)
"""Makes bytes per second of a rate such as `5M` or `off`, 0 for no limit."""


def filled(context: click.Context, parameter: click.Parameter, typed: Any) -> Any:
    """Refuse an empty criterion, of a variable that is not set perhaps: it would find everything."""
    for value in typed if isinstance(typed, tuple) else (typed,):
        if value is not None and not value.strip(" ,"):
            raise click.BadParameter("it is empty")
    return typed


area_options = all_of(
    option("--bbox W,S,E,N", "Items that touch this box, in degrees.", callback=_area),
    option("--intersects FILE", "Items that touch what is in this GeoJSON file.", callback=_area),
    option(
        "--datetime T[/T]",
        "A day, month or year, or two: 2018-04/2018-06, 2018/..",
        name="when",
        callback=filled,
    ),
)
limit_option = option("--limit N", "At most N items.  [default: all]", type=click.IntRange(min=0))


class Command(click.Command):
    """A command whose help lists the options of the connection apart from its own."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in two sections."""
        write_options(self, ctx, formatter)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, which is known as the one that runs from here on."""
        ctx.meta[META + "command"] = ctx
        return super().invoke(ctx)


class Group(click.Group):
    """A group of such commands."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in two sections, then the commands."""
        write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is named; one that does not exist is refused with the nearest that does."""
        if not args[0].startswith("-") and not ctx.resilient_parsing and not self.get_command(ctx, args[0]):
            raise no_such("command", args[0], self.list_commands(ctx), ctx)
        return super().resolve_command(ctx, args)


def no_such(what: str, name: str, known: Iterable[str], context: click.Context) -> click.UsageError:
    """Return the error for a name that does not exist, with the nearest that does."""
    near = did_you_mean(name, known)
    guess = f" {near[0].upper()}{near[1:]}" if near else ""
    return click.UsageError(f"No such {what} {one_line(name, 60)!r}.{guess}", context)


def write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write a command's options: its own, then those of the connection."""
    sections: Mapping[str, list[tuple[str, str]]] = {"Options": [], "Connection": []}
    for parameter in command.get_params(ctx):
        # Newer releases of click give arguments a line too; the usage line says it all.
        record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
        if record:
            sections["Connection" if parameter.name in CONNECTION else "Options"].append(record)
    for heading, records in sections.items():
        if records:
            with formatter.section(heading):
                formatter.write_dl(records)
