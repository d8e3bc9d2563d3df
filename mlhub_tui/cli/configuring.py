"""`mlhub-tui configure`: store a key in the profiles file, as the `mlhub configure` of radiant_mlhub does."""

from __future__ import annotations

import sys

import click

from ..auth import DEFAULT_PROFILE, Profile, ProfilesFile, check_name, normalise_root_url
from ..errors import MLHubException
from ..text import mask
from .options import Choice, Command, is_terminal, remembered

EPILOG = """\b
Examples:
  mlhub-tui configure
  mlhub-tui configure --profile project1 --root-url https://example.org/v1/
  pass show mlhub | mlhub-tui configure --profile project1
"""


@click.command(cls=Command, epilog=EPILOG, short_help="Store an API key in a profile.")
@remembered("--profile", metavar="NAME", help="The profile to write.  [default: default]")
@remembered("--api-key", metavar="KEY", help="The key; better typed or piped in: others can see it in `ps`.")
@remembered("--root-url", metavar="URL", help="The API that the key is for.  [default: as it is]")
@click.pass_context
def configure(context: click.Context) -> None:
    """Store an API key, and a root URL if one is given, in a profile.

    Without --profile it is the profile "default"; without --api-key the key is asked for and not shown. The
    profiles file is in ~/.mlhub, or in MLHUB_HOME.
    """
    choice = Choice.of(context)
    if choice.sample:
        raise click.UsageError("the sample catalog needs no profile")
    name, root_url = _usable(choice)
    file = ProfilesFile.load()
    known = file.get(name) if name in file.names() else Profile(name)
    key = choice.api_key if choice.api_key is not None else _asked()
    if not key.strip():
        raise click.UsageError("the API key is empty; nothing was written")
    if known.api_key and known.api_key != key.strip():
        click.confirm(f"Overwrite existing API Key ({mask(known.api_key)})", abort=True)
    file.save(name, api_key=key, **({"root_url": root_url} if root_url else {}))
    click.echo(f"Wrote profile to {file.path}")


def _usable(choice: Choice) -> tuple[str, str | None]:
    """Return the profile's name and root URL, checked before anything is asked."""
    try:
        name = check_name(choice.profile if choice.profile is not None else DEFAULT_PROFILE)
        return name, normalise_root_url(choice.root_url, "--root-url") if choice.root_url else None
    except MLHubException as error:
        raise click.UsageError(f"{error.message}; {error.hint}" if error.hint else error.message) from None


def _asked() -> str:
    """Return the key that is typed, unseen, or piped in."""
    if is_terminal(sys.stdin):
        return str(click.prompt("API Key", hide_input=True))
    # A hidden prompt would ask the terminal behind the pipe instead.
    line = sys.stdin.readline() if sys.stdin else ""
    if not line:
        raise click.Abort
    return line
