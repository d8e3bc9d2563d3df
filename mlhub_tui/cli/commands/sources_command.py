"""The declaration of `mlhub-tui sources` and `configure`."""

from __future__ import annotations

from typing import Any

import click

from ..completion import profile_names, source_names
from ..options import Command, Group, all_of, api_key_option, json_option, option, remembered

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
    from ..sources import configure

    configure()


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
def add(**given: Any) -> None:
    """Detect what is at a URL or path, and save it as the source NAME.

    The kind is found out; what is no source is refused. Secrets are asked for, or read from a pipe, or
    stay in an environment variable that is only named.
    """
    from ..sources import add_source

    add_source(**given)


@sources_command.command("list", short_help="List the saved sources, or well-known public ones.")
@option("--known", "List well-known public sources instead; none is contacted.")
@json_option
def list_sources(**given: Any) -> None:
    """List the saved sources, which are the profiles, or well-known public ones to add."""
    from ..sources import print_sources

    print_sources(**given)


@sources_command.command("remove", short_help="Remove a source, with its secret.")
@click.argument("name", shell_complete=profile_names)
@option("--yes", "Do not ask.")
def remove(**given: Any) -> None:
    """Remove the source NAME from the profiles file, with its secret."""
    from ..sources import remove_source

    remove_source(**given)


@sources_command.command("test", short_help="Test whether a source answers and accepts the key.")
@click.argument("source", metavar="NAME|URL|PATH", shell_complete=source_names)
@api_key_option
@json_option
def test(**given: Any) -> None:
    """Test whether a source answers as one of its kind, and accepts its key."""
    from ..sources import test_source

    test_source(**given)
