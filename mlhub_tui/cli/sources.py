"""`mlhub-tui sources` and `configure`: places to browse and their secrets, each a profile."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from .. import auth, sources  # their modules are loaded when they are used
from ..errors import AuthenticationError, MLHubException
from ..text import mask, one_line, redact
from .connection import Choice, chosen, opened, run_async
from .options import (
    Command,
    Group,
    all_of,
    api_key_option,
    did_you_mean,
    json_option,
    option,
    profile_names,
    remembered,
    source_names,
)
from .printing import is_terminal, note, print_json, print_table, terminal_width

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..sources.base import About

# For each way of sending a secret: the options that ask for it, and what it is called.
_WAYS = {
    auth.Scheme.QUERY: (("key", "key_env", "key_param"), "API Key"),
    auth.Scheme.BEARER: (("token", "token_env"), "Token"),
    auth.Scheme.HEADER: (("header", "header_env"), "Secret"),
    auth.Scheme.BASIC: (("user", "password_env"), "Password"),
}
CONFIGURE_EPILOG = """\b
Examples:
  mlhub-tui configure
  mlhub-tui configure --profile project1 --root-url https://example.org/v1/
  pass show mlhub | mlhub-tui configure --profile project1
"""
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
_secret_options = all_of(
    option("--key", "Ask for a key, sent as a query parameter."),
    option("--key-param PARAM", "Its parameter.  [default: key]"),
    option("--key-env VAR", "The key is in this environment variable."),
    option("--token", "Ask for a bearer token."),
    option("--token-env VAR", "The token is in this environment variable."),
    option("--header HEADER", "Ask for a secret, sent in this header."),
    option("--header-env VAR", "The header's secret is in this variable."),
    option("--user USER", "Ask for a password, for basic authentication."),
    option("--password-env VAR", "The password is in this variable."),
    api_key_option,
)


@click.command("configure", cls=Command, epilog=CONFIGURE_EPILOG, short_help="Store an API key in a profile.")
@remembered("--profile NAME", "The profile to write.  [default: default]")
@remembered("--api-key KEY", "The key; better typed or piped in: others can see it in `ps`.")
@remembered("--root-url URL", "The API that the key is for.  [default: as it is]")
def configure_command() -> None:
    """Store an API key, and a root URL if one is given, in a profile.

    Without --profile it is the profile "default"; without --api-key the key is asked for and not shown. The
    profiles file is in ~/.mlhub, or in MLHUB_HOME.
    """
    choice = Choice.made()
    if choice.sample:
        raise click.UsageError("the sample catalog needs no profile")
    try:
        name = auth.check_name(choice.profile if choice.profile is not None else auth.DEFAULT_PROFILE)
        root = {"root_url": auth.normalise_root_url(choice.root_url, "--root-url")} if choice.root_url else {}
    except MLHubException as error:
        raise click.UsageError(f"{error.message}; {error.hint}" if error.hint else error.message) from None
    file = auth.ProfilesFile.load()
    known = file.get(name) if name in file.names() else auth.Profile(name)
    key = choice.api_key if choice.api_key is not None else _typed("API Key")
    if not key.strip():
        raise click.UsageError("the API key is empty; nothing was written")
    if known.api_key and known.api_key != key.strip():
        click.confirm(f"Overwrite existing API Key ({mask(known.api_key)})", abort=True)
    file.save(name, api_key=key, **root)
    click.echo(f"Wrote profile to {file.path}")


def _typed(what: str) -> str:
    """Return the secret that is typed, unseen, or piped in."""
    if is_terminal(sys.stdin):
        return str(click.prompt(what, hide_input=True))
    # A hidden prompt would ask the terminal behind the pipe instead.
    return sys.stdin.readline() if sys.stdin else ""


@click.group("sources", cls=Group, epilog=EPILOG, short_help="Add, list, remove and test sources.")
def sources_command() -> None:
    """Add, list, remove and test sources: MLHub APIs, STAC APIs, static catalogs.

    A source is a profile, a section of the profiles file with a kind and a root_url.
    """


@sources_command.command("add", epilog=ADD_EPILOG, short_help="Detect a source and save it under a name.")
@click.argument("name", shell_complete=source_names)
@click.argument("location", required=False, metavar="[URL|PATH]")
@option(
    "--kind", "Give the kind, instead of detecting it.", type=click.Choice(["mlhub", "stac-api", "static"])
)
@option("--replace", "Write over a profile of that name.", name="over")
@_secret_options
@json_option
def add(name: str, location: str | None, kind: str | None, over: bool, as_json: bool, **how: Any) -> None:
    """Detect what is at a URL or path, and save it as the source NAME.

    The kind is found out; what is no source is refused. Secrets are asked for, or read from a pipe, or
    stay in an environment variable that is only named.
    """
    name = auth.check_name(name)
    file = auth.ProfilesFile.load()
    if name in file.names() and not over:
        raise click.UsageError(
            f"there is a profile {name!r} already; --replace writes over it, or choose another name"
        )
    draft = _draft(how, Choice.made().api_key)
    found, title = _located(name, location, auth.Kind(kind) if kind else None, draft)
    if found.secret and not draft.typed and not draft.variable:
        # The key that was in the pasted URL: stored apart from it.
        draft = auth.SecretDraft(auth.Scheme.QUERY, found.auth.name, typed=found.secret)
    file.save(name, **{"kind": found.kind, "root_url": found.root_url, **draft.options()})
    if as_json:
        print_json({**_record(auth.ProfilesFile.load().get(name)), "title": title, "file": str(file.path)})
    else:
        click.echo(f"Wrote profile {one_line(name)} to {file.path}")
    if missing := _missing(draft):
        note(f"the variable {missing} is not set here; it is needed in use")


def _draft(how: Mapping[str, Any], api_key: str | None) -> auth.SecretDraft:
    """Return the secret that options describe: from `--api-key`, its variable, a prompt or a pipe.

    Raises click.UsageError if it is more than one secret, or half of one.
    """
    ways = [scheme for scheme, (names, _) in _WAYS.items() if any(how[name] for name in names)]
    if len(ways) > 1:
        raise click.UsageError(f"one secret only: {' or '.join(ways)}")
    if how["header_env"] and not how["header"]:
        raise click.UsageError("--header-env needs --header: the name of the header")
    if how["password_env"] and not how["user"]:
        raise click.UsageError("--password-env needs --user: the name of the user")
    if not ways and not api_key:
        return auth.SecretDraft()
    scheme = ways[0] if ways else auth.Scheme.QUERY
    names, what = _WAYS[scheme]
    variable = how[names[1]] or ""
    name = (how["key_param"] if scheme is auth.Scheme.QUERY else how["header"]) or ""
    draft = auth.SecretDraft(scheme, name, how["user"] or "", (api_key or "").strip(), variable)
    try:
        draft.auth()
    except MLHubException as error:
        raise click.UsageError(f"{error.message}; {error.hint}") from None
    if not api_key and not variable:
        draft = replace(draft, typed=_typed(what).strip())
        if not draft.typed:
            raise click.UsageError(f"the {what.lower()} is empty; nothing was written")
    return draft


def _missing(draft: auth.SecretDraft) -> str:
    """Return the variable that holds the secret, where it is not set here; empty where it is, or none is."""
    return "" if draft.typed or os.environ.get(draft.variable, "").strip() else draft.variable


def _located(
    name: str, location: str | None, kind: auth.Kind | None, draft: auth.SecretDraft
) -> tuple[Credentials, str]:
    """Return where the source is and what it speaks, detected where that is needed, and its title."""
    known = sources.open_source.by_name(location or name)
    if location is None and auth.is_url(name):
        raise click.UsageError(f"it needs a name before its URL: mlhub-tui sources add NAME {name}")
    if location is None and known is None:
        names = [known.name for known in sources.open_source.KNOWN]
        guess = did_you_mean(name, names) or "see `sources list --known`"
        raise click.UsageError(f"{name!r} is no well-known source, so its URL or path is needed; {guess}")
    if known is not None:
        click.echo(f"{known.title}: {known.about}", err=True)
        if known.key:
            note(known.key)
        return auth.for_location(known.root_url, kind=known.kind), known.title
    secret = draft.typed or os.environ.get(draft.variable, "").strip() or None
    address = sources.open_source.address_of(location or "")
    found = auth.for_location(address, kind=kind, api_key=secret, auth=draft.auth())
    return (found, "") if kind is not None else _detected(found, draft)


def _detected(place: Credentials, draft: auth.SecretDraft) -> tuple[Credentials, str]:
    """Print what is at a place, and return it with its kind and title; refuse what is no source."""
    seen = run_async(sources.probe.probe, place)
    title = f' "{seen.title}"' if seen.title else ""
    counts = f", {seen.counts_words}" if seen.counts else ""
    click.echo(f"found: {seen.kind_words}{title}{counts}", err=True)
    click.echo(f"  at {one_line(redact(seen.location), 400)}", err=True)
    for line in seen.notes:
        note(line)
    if seen.kind is None:
        hint = "name its credentials (--token, --header NAME, --key, --user NAME), or its kind with --kind"
        if missing := _missing(draft):
            hint = f"set {missing}, or name its kind with --kind"
        raise AuthenticationError("the contents require a key; nothing was written", hint=hint)
    return replace(place, kind=seen.kind, root_url=seen.location), seen.title


@sources_command.command("list", short_help="List saved or well-known sources.")
@option("--known", "List well-known public sources instead; none is contacted.")
@json_option
def list_sources(known: bool, as_json: bool) -> None:
    """List the saved sources, which are the profiles, or well-known public ones to add."""
    file = auth.ProfilesFile.load()
    records = [_record(file.get(name)) for name in file.names()]
    if known:
        records = [
            {
                "name": source.name,
                "kind": source.kind.value,
                "key": source.key or "none",
                "title": f"{source.title}: {source.about}",
                "root_url": source.root_url,
            }
            for source in sources.open_source.KNOWN
        ]
    if as_json:
        print_json(records)
        return
    if not records:
        click.echo("no sources are saved; `mlhub-tui sources list --known` shows public ones", err=True)
        return
    headers = [{"root_url": "LOCATION", "title": "WHAT"}.get(name, name.upper()) for name in records[0]]
    print_table(headers, [[*record.values()] for record in records])
    if known and terminal_width():
        click.echo("`mlhub-tui sources add NAME` saves one; `--source NAME` uses one at once", err=True)


def _record(profile: auth.Profile) -> dict[str, str]:
    """Return what is listed of a profile; never a secret."""
    default = f"{auth.DEFAULT_ROOT_URL} (default)" if profile.kind is auth.Kind.MLHUB else "(none)"
    kind = profile.kind_word if profile.kind else f"{profile.kind_word} (not known)"
    return {
        "name": one_line(profile.name),
        "kind": one_line(kind, 60),
        "secret": auth.secret_words(profile, os.environ),
        "root_url": one_line(redact(profile.root_url or default)),
    }


@sources_command.command("remove", short_help="Remove a source, with its secret.")
@click.argument("name", shell_complete=profile_names)
@option("--yes", "Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Remove the source NAME from the profiles file, with its secret."""
    file = auth.ProfilesFile.load()
    words = auth.secret_words(file.get(name), {})
    if not yes and words != "none":
        click.confirm(f"Remove {one_line(name)} ({words})?", abort=True, err=True)
    file.delete(name)
    click.echo(f"Removed profile {one_line(name)} from {file.path}")


@sources_command.command("test", short_help="Test a source and its key.")
@click.argument("source", metavar="NAME|URL|PATH", shell_complete=source_names)
@api_key_option
@json_option
def test(source: str, as_json: bool) -> None:
    """Test whether a source answers as one of its kind, and accepts its key."""
    found = chosen(Choice(source=source, api_key=Choice.made().api_key))
    place = one_line(redact(found.root_url), 400)
    record = {"kind": found.kind, "root_url": place, "key": found.key_origin}
    try:
        about = run_async(_about, found)
    except MLHubException as error:
        if as_json:
            print_json({"ok": False, **record, "title": "", "error": one_line(redact(error.message))})
        click.echo(f"{place}: {found.kind}, {found.key_origin}", err=True)
        raise error from None
    title = f' "{about.title}"' if about.title else ""
    if as_json:
        print_json({"ok": True, **record, "title": about.title, "error": None})
    else:
        click.echo(f"ok: {found.kind}{title} at {place}, {found.key_origin}")
    for line in about.notes:
        note(line)


async def _about(found: Credentials) -> About:
    async with opened(found) as source:
        await sources.open_source.check(source)
        return await source.about()
