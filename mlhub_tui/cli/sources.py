"""`mlhub-tui sources`: add, list, remove and test places to browse; each is a profile."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from ..auth import Kind, Profile, ProfilesFile, check_name, is_url, secret_words
from ..errors import AuthenticationError, MLHubException
from ..text import one_line, redact
from .connect import chosen, show_waits
from .desk import json_option
from .options import Choice, Command, Group, remembered
from .secrets import Given, asked, secret_options
from .tables import table, terminal_width

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..sources.base import About
    from ..sources.probe import ProbeResult

EPILOG = """\b
Examples:
  mlhub-tui sources list --known
  mlhub-tui sources add earth-search
  mlhub-tui sources add mine https://stac.example.org/ --token-env MINE_TOKEN
  mlhub-tui sources add saved ~/data/catalog.tar.gz
  mlhub-tui sources test mine
  mlhub-tui --source mine list collections
"""
ADD_EPILOG = """\b
Examples:
  mlhub-tui sources add planetary-computer         by its well-known name
  mlhub-tui sources add mine https://stac.example.org/ --token-env MINE_TOKEN
  mlhub-tui sources add mine https://stac.example.org/ --header X-API-Key
  pass show mine | mlhub-tui sources add mine https://stac.example.org/ --token
  mlhub-tui sources add saved ./catalog.json
"""


@click.group("sources", cls=Group, epilog=EPILOG, short_help="Add, list, remove and test sources.")
def sources_group() -> None:
    """Add, list, remove and test sources: MLHub APIs, STAC APIs, static catalogs.

    A source is a profile, a section of the profiles file with a kind and a root_url.
    """


@sources_group.command("add", epilog=ADD_EPILOG, short_help="Look at a place and keep it under a name.")
@click.argument("name")
@click.argument("location", required=False, metavar="[URL|PATH]")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in Kind]),
    help="Give the kind, instead of detecting it.",
)
@click.option("--replace", is_flag=True, help="Write over a profile of that name.")
@secret_options
@remembered("--api-key", metavar="KEY", help="The secret; others can see it in `ps`.")
@click.pass_context
def add(
    context: click.Context, /, name: str, location: str | None, kind: str | None, replace: bool, **how: Any
) -> None:
    """Detect what is at a URL or path, and save it as the source NAME.

    The kind is found out; what is no source is refused. Secrets are asked for, or read from a pipe, or
    stay in an environment variable that is only named.
    """
    name = check_name(name)
    file = ProfilesFile.load()
    if name in file.names() and not replace:
        raise click.UsageError(
            f"there is a profile {name!r} already; --replace writes over it, or choose another name"
        )
    given = asked(Given(**how), Choice.of(context).api_key)
    found = _looked_at(name, location, Kind(kind) if kind else None, given)
    options = {"api_key": None, "kind": found.kind, "root_url": found.root_url, **given.options}
    file.save(name, **options)
    click.echo(f"Wrote profile {one_line(name)} to {file.path}")
    if given.missing:
        click.echo(f"note: the variable {given.missing} is not set here; it is needed in use", err=True)


def _looked_at(name: str, location: str | None, kind: Kind | None, given: Given) -> Credentials:
    """Return where the source is and what it speaks, after a look where that is needed."""
    from ..auth import for_location
    from ..sources.source_names import address_of
    from ..sources.well_known import by_name

    known = by_name(location or name)
    if location is None and is_url(name):
        raise click.UsageError(f"it needs a name before its URL: mlhub-tui sources add NAME {name}")
    if location is None and known is None:
        raise click.UsageError(
            f"{name!r} is no well-known source, so its URL or path is needed; see `sources list --known`"
        )
    if known is not None:
        click.echo(f"{known.title}: {known.about}", err=True)
        if known.key:
            click.echo(f"note: {known.key}", err=True)
        return for_location(known.root_url, kind=known.kind)
    found = for_location(address_of(location or ""), kind=kind, api_key=given.secret, auth=given.auth)
    if found.secret and given.secret is None:
        # The key that was in the pasted URL: kept apart from it.
        given.options.update(api_key=found.secret, key_param=found.auth.name)
    return found if kind is not None else _seen(found, given)


def _seen(place: Credentials, given: Given) -> Credentials:
    """Say what is at a place, and return it with its kind; refuse what is no source."""
    import asyncio
    from dataclasses import replace

    from ..sources.probe import probe

    seen = asyncio.run(probe(place))
    _describe(seen)
    if seen.kind is None:
        hint = "name its credentials (--token, --header NAME, --key, --user NAME), or its kind with --kind"
        if given.missing:
            hint = f"set {given.missing}, or name its kind with --kind"
        raise AuthenticationError("the contents require a key; nothing was written", hint=hint)
    return replace(place, kind=seen.kind, root_url=seen.location)


def _describe(found: ProbeResult) -> None:
    title = f' "{found.title}"' if found.title else ""
    counts = f", {found.counts_words}" if found.counts else ""
    click.echo(f"found: {found.kind_words}{title}{counts}", err=True)
    click.echo(f"  at {one_line(redact(found.location), 400)}", err=True)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)


@sources_group.command("list", short_help="List the saved sources, or well-known public ones.")
@click.option("--known", is_flag=True, help="List well-known public sources instead; none is contacted.")
@json_option
def list_sources(known: bool, as_json: bool) -> None:
    """List the saved sources, which are the profiles, or well-known public ones to add."""
    records = _known() if known else [_record(profile) for profile in _profiles()]
    if as_json:
        click.echo(json.dumps(records, indent=2))
        return
    if not records:
        click.echo("no sources are saved; `mlhub-tui sources list --known` shows public ones", err=True)
        return
    names = ("name", "kind", "key", "title", "root_url") if known else ("name", "kind", "secret", "root_url")
    rows = [[record[name] for name in names] for record in records]
    headers = [{"root_url": "LOCATION", "title": "WHAT"}.get(name, name.upper()) for name in names]
    click.echo("\n".join(table(headers, rows, terminal_width())))
    if known and terminal_width():
        click.echo("`mlhub-tui sources add NAME` keeps one; `--source NAME` uses one at once", err=True)


def _profiles() -> list[Profile]:
    file = ProfilesFile.load()
    return [file.get(name) for name in file.names()]


def _record(profile: Profile) -> dict[str, str]:
    """Return what is listed of a profile; never a secret."""
    from ..auth import DEFAULT_ROOT_URL

    default = f"{DEFAULT_ROOT_URL} (default)" if profile.kind is Kind.MLHUB else "(none)"
    kind = profile.kind_word if profile.kind else f"{profile.kind_word} (not known)"
    return {
        "name": one_line(profile.name),
        "kind": one_line(kind, 60),
        "secret": secret_words(profile, os.environ),
        "root_url": one_line(redact(profile.root_url or default)),
    }


def _known() -> list[dict[str, str]]:
    from ..sources.well_known import KNOWN

    return [
        {
            "name": known.name,
            "kind": known.kind.value,
            "key": known.key or "none",
            "title": f"{known.title}: {known.about}",
            "root_url": known.root_url,
        }
        for known in KNOWN
    ]


@sources_group.command("remove", short_help="Remove a source, with its secret.")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Remove the source NAME from the profiles file, with its secret."""
    file = ProfilesFile.load()
    profile = file.get(name)
    words = secret_words(profile, {})
    if not yes and words != "none":
        click.confirm(f"Remove {one_line(name)} ({words})?", abort=True, err=True)
    file.delete(name)
    click.echo(f"Removed profile {one_line(name)} from {file.path}")


@sources_group.command("test", cls=Command, short_help="Test whether a source answers and accepts the key.")
@click.argument("source", metavar="NAME|URL|PATH")
@remembered("--api-key", metavar="KEY", help="Use this secret; others can see it in `ps`.")
@click.pass_context
def test(context: click.Context, source: str) -> None:
    """Test whether a source answers as one of its kind, and accepts its key."""
    import asyncio

    found = chosen(Choice(source=source, api_key=Choice.of(context).api_key))
    try:
        about = asyncio.run(_test(found))
    except MLHubException as error:
        click.echo(f"{one_line(redact(found.root_url), 200)}: {found.kind}, {found.key_origin}", err=True)
        raise error from None
    title = f' "{about.title}"' if about.title else ""
    click.echo(f"ok: {found.kind}{title} at {one_line(redact(found.root_url), 400)}, {found.key_origin}")
    for note in about.notes:
        click.echo(f"note: {note}", err=True)


async def _test(found: Credentials) -> About:
    from ..sources.open_source import check, open_source

    source = open_source(found)
    show_waits(source)
    try:
        await check(source)
        return await source.about()
    finally:
        await source.aclose()
