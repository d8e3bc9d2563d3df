"""Options that more than one command takes, before or after its name, and what was chosen with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

from ..config import Loaded, load
from ..text import one_line

_F = TypeVar("_F", bound=Callable[..., Any])
_META = "mlhub_tui.cli."
_CONNECTION = ("source", "profile", "api_key", "root_url", "sample")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says of the connection; nothing is resolved yet."""

    profile: str | None = None
    api_key: str | None = field(default=None, repr=False)
    root_url: str | None = None
    sample: bool = False
    source: str | None = None

    @classmethod
    def of(cls, context: click.Context) -> Choice:
        """Return the options given so far, on the group or on its command.

        Raises
        ------
        click.UsageError
            If the sample catalog, or a source, is asked for together with another connection.
        """
        given = {name: context.meta[_META + name] for name in _CONNECTION if _META + name in context.meta}
        others = [f"--{name.replace('_', '-')}" for name in given if name != "sample"]
        if given.get("sample") and others:
            raise click.UsageError(f"--sample has its own root URL and key; leave out {', '.join(others)}")
        doubled = [option for option in others if option in ("--profile", "--root-url")]
        if "source" in given and doubled:
            raise click.UsageError(f"--source says which one; leave out {', '.join(doubled)}")
        return cls(**given)


def output_dir(context: click.Context) -> Path:
    """Return the absolute output folder: what was chosen, else that of the settings, else the current one.

    Raises
    ------
    click.UsageError
        If a URL was chosen.
    """
    chosen = output_place(context)
    if isinstance(chosen, str):
        raise click.UsageError(f"--output-dir {chosen}: URLs are for `download dataset --engine dask`")
    return chosen


def output_place(context: click.Context) -> Path | str:
    """Return the output folder as `output_dir` does, or the URL that was chosen."""
    chosen: Path | str | None = context.meta.get(_META + "output_dir")
    return chosen or settings_of(context).config.download_folder or Path.cwd()


def settings_of(context: click.Context) -> Loaded:
    """Return the settings, read once for a command line."""
    loaded: Loaded = context.meta.setdefault(_META + "settings", None) or load()
    context.meta[_META + "settings"] = loaded
    return loaded


def connection_options(command: _F) -> _F:
    """Add `--source`, `--profile`, `--api-key`, `--root-url` and `--sample` to a command."""
    for option in reversed(
        (
            remembered(
                "--source",
                metavar="URL|PATH|NAME",
                help="Use this source: a STAC API, a catalog.json, a folder, a .tar.gz, a profile,"
                " or a public source (see `sources list --known`).",
            ),
            remembered("--profile", metavar="NAME", help="Use the key and root URL of this profile."),
            remembered(
                "--api-key",
                metavar="KEY",
                help="Use this key. Others can see it in `ps`: MLHUB_API_KEY is the safer way.",
            ),
            remembered("--root-url", metavar="URL", help="Use the MLHub API at this URL."),
            remembered("--sample", is_flag=True, help="Use the built-in sample catalog: no key, no network."),
        )
    ):
        command = option(command)
    return command


def output_option(command: _F) -> _F:
    """Add `--output-dir` to a command."""
    return remembered(
        "--output-dir",
        metavar="DIR",
        convert=_folder,
        help="Where downloads go; created if missing.  [default: as in config.toml, else the current one]",
    )(command)


def if_exists_option(command: _F) -> _F:
    """Add `--if-exists` to a command."""
    from ..options import IfExists

    return click.option(
        "--if-exists",
        type=click.Choice([choice.value for choice in IfExists]),
        default=IfExists.RESUME.value,
        show_default=True,
        help="What to do with a file that is there: resume compares its size and fetches what is missing.",
    )(command)


def patience_option(command: _F) -> _F:
    """Add `--first-byte-timeout` to a command."""
    return remembered(
        "--first-byte-timeout",
        type=click.IntRange(1, 86_400),
        metavar="SECONDS",
        help="How long a server may take to begin with a file.  [default: as config.toml says, else 120]",
    )(command)


def first_byte_timeout(context: click.Context) -> float:
    """Return the seconds that were chosen, else those of the settings."""
    chosen: float | None = context.meta.get(_META + "first_byte_timeout")
    return chosen or settings_of(context).config.first_byte_timeout


def remembered(
    name: str, *, convert: Callable[[str], Any] | None = None, **attributes: Any
) -> Callable[[_F], _F]:
    """Return an option whose value is kept for the whole command line; the last one given counts.

    Parameters
    ----------
    name
        The option, with its dashes.
    convert
        Makes the value of what was typed.
    attributes
        What else `click.option` takes.
    """

    def remember(context: click.Context, option: click.Parameter, value: Any) -> Any:
        if value is not None and value is not False:
            context.meta[_META + str(option.name)] = convert(value) if convert else value
        return value

    return click.option(name, expose_value=False, callback=remember, **attributes)


def _folder(value: str) -> Path | str:
    if "://" in value or "::" in value:
        from .. import output_url
        from ..errors import MLHubException

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


def is_terminal(stream: Any) -> bool:
    """Whether a stream leads to a terminal; one that is closed, or missing as in a daemon, does not."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


class Command(click.Command):
    """A command whose help lists the options of the connection apart from its own."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in two sections."""
        write_options(self, ctx, formatter)


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
        name = args[0]
        if not name.startswith("-") and not ctx.resilient_parsing and self.get_command(ctx, name) is None:
            from difflib import get_close_matches

            near = get_close_matches(name.lower(), self.list_commands(ctx), n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {one_line(name, 60)!r}.{guess}")
        return super().resolve_command(ctx, args)


Group.group_class = Group


def write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write a command's options: its own, then those of the connection."""
    own: list[tuple[str, str]] = []
    connection: list[tuple[str, str]] = []
    for parameter in command.get_params(ctx):
        # Newer releases of click give arguments a line too; the usage line says it all.
        record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
        if record:
            (connection if parameter.name in _CONNECTION else own).append(record)
    for heading, records in (("Options", own), ("Connection", connection)):
        if records:
            with formatter.section(heading):
                formatter.write_dl(records)
