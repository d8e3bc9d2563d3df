"""Options that more than one command takes, and commands whose help lists those of the connection apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .. import models  # its modules are loaded when they are used
from ..errors import InvalidSearch, MLHubException
from ..text import one_line, parse_rate
from .completion import did_you_mean, profile_names, source_names
from .connection import OPTIONS as CONNECTION
from .printing import META

if TYPE_CHECKING:
    from pathlib import Path

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

    if "://" in value or "::" in value:
        from .. import output_url

        try:
            path, url = output_url.parse(value)
        except MLHubException as error:
            raise click.BadParameter(f"{error.message}: {error.hint}") from None
        if path is None:
            return url
        value = str(path)
    try:
        folder = Path(value).expanduser().absolute()
        in_the_way = folder.exists() and not folder.is_dir()
    except (RuntimeError, ValueError, OSError) as error:
        raise click.BadParameter(f"{value!r}: {error}") from None
    if in_the_way:
        raise click.BadParameter(f"{folder} is a file, not a folder")
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
    return models.parse_bbox(typed) if parameter.name == "bbox" else models.read_geometry(typed)


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
area_options = all_of(
    option("--bbox W,S,E,N", "Items that touch this box, in degrees.", callback=_area),
    option("--intersects FILE", "Items that touch what is in this GeoJSON file.", callback=_area),
    option("--datetime T[/T]", "A day, month or year, or two: 2018-04/2018-06, 2018/..", name="when"),
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
