"""The command `mlhub-tui` itself: starts the app, or one of its subcommands."""

from __future__ import annotations

import sys
from typing import Any

import click

from .. import __version__
from ..options import AppOptions
from .configuring import configure
from .downloading import download
from .failures import failures
from .listing import list_group
from .options import Choice, Group, connection_options, is_terminal, output_dir, output_option
from .serving import sample
from .showing import show

EPILOG = """\b
Examples:
  mlhub-tui --sample                        the app on the sample catalogue
  mlhub-tui configure                       store your API key
  mlhub-tui                                 the app with that key
  mlhub-tui list datasets --tag landcover   what there is
  mlhub-tui show dataset 10.34911/rdnt.dw605x
  mlhub-tui download ref_african_crops_kenya_02_labels --output-dir ~/data

\b
Environment:
  MLHUB_API_KEY    the key; goes before any profile
  MLHUB_PROFILE    the profile, where --profile is not given
  MLHUB_ROOT_URL   the API, where --root-url is not given
  MLHUB_HOME       folder of profiles and queue (default: ~/.mlhub)

\b
Completion for bash (also zsh_source, fish_source):
  eval "$(_MLHUB_TUI_COMPLETE=bash_source mlhub-tui)"

\b
Exit codes:
  0 done   1 failed   2 usage   3 no or refused credentials   130 interrupted
"""


class Root(Group):
    """The outermost group, where every error ends."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; errors become messages and exit codes."""
        with failures():
            return super().invoke(ctx)


@click.group(
    cls=Root,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)
@click.version_option(__version__, "-V", "--version", prog_name="mlhub-tui", message="%(prog)s %(version)s")
@output_option
@connection_options
@click.pass_context
def root(context: click.Context) -> None:
    """Browse Radiant MLHub datasets and download them, in the terminal.

    Without a command the app starts. The options of the connection stand before or after a command.
    """
    if context.invoked_subcommand is None:
        sys.exit(_start_app(context))


for _command in (configure, list_group, show, download, sample):
    root.add_command(_command)


def _start_app(context: click.Context) -> int:
    """Run the app and return its exit code."""
    choice = Choice.of(context)
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        raise click.UsageError(
            "the app needs a terminal, and this is none; "
            "without one use: mlhub-tui list, show, download or configure"
        )
    options = AppOptions(choice.profile, choice.api_key, choice.root_url, choice.sample, output_dir(context))
    from ..ui.app import run

    return run(options)
