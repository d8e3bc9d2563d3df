"""The command `mlhub-tui` itself: starts the app, or one of its subcommands."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import Any

import click

from .. import paths
from ..options import AppOptions
from ..text import use_units
from ..version import __version__
from .desk import note
from .failures import failures
from .options import Choice, Group, connection_options, is_terminal, output_dir, output_option, settings_of

EPILOG = """\b
Examples:
  mlhub-tui --sample                        the app on the sample catalog
  mlhub-tui configure                       store your API key
  mlhub-tui                                 the app with that key
  mlhub-tui list datasets --text kenya      datasets that mention Kenya
  mlhub-tui show dataset 10.34911/rdnt.dw605x
  mlhub-tui download ref_african_crops_kenya_02_labels --output-dir ~/data
  mlhub-tui --source ./catalog.tar.gz       the app on a saved catalog
  mlhub-tui sources list --known            public sources to browse
  mlhub-tui doctor                          what is wrong here

\b
Environment:
  MLHUB_API_KEY    the key; overrides any profile
  MLHUB_PROFILE    the profile, where --profile is not given
  MLHUB_ROOT_URL   the API, where --root-url is not given
  MLHUB_HOME       folder of settings, profiles and queue (default: ~/.mlhub)
  MLHUB_DEBUG      1 is as --debug

\b
Completion for bash (also zsh, fish):
  eval "$(mlhub-tui completion bash)"

\b
Exit codes:
  0 done   1 failed   2 usage   3 no or refused credentials   130 interrupted
"""


COMMANDS = {
    "configure": ("configuring", "configure", "Store an API key in a profile."),
    "list": ("listing", "list_group", "List datasets, collections, models or items."),
    "show": ("showing", "show", "Show a dataset, collection, item or model."),
    "search": ("searching", "search", "Search a source for items."),
    "download": ("downloading", "download", "Download archives, assets, datasets."),
    "queue": ("queueing", "queue_group", "Add to the download queue, list, control and run it."),
    "sources": ("sources", "sources_group", "Add, list, remove and test sources."),
    "cache": ("caching", "cache_group", "Show the size of the cache, or clear it."),
    "locate": ("locating", "locate", "Print where settings, profiles, queue, logs and cache are."),
    "doctor": ("doctoring", "doctor", "Check program, files, network and source."),
    "sample": ("serving", "sample", "Serve the built-in sample catalog."),
    "completion": ("completion", "completion", "Print the completion script of a shell."),
    "help": ("manual", "help_command", "Read the manual."),
}
"""The module, name and description of each subcommand; imported when called, and not for the help."""


class Root(Group):
    """The outermost group, where every error ends."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command = getattr(import_module(f".{module}", __package__), name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the subcommands with their descriptions, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, _, about) in COMMANDS.items()])

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
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal, for selecting text.")
@click.option(
    "--debug",
    is_flag=True,
    envvar="MLHUB_DEBUG",
    help="Log what happens, without keys, to log/debug.log in MLHUB_HOME.",
)
@connection_options
@click.pass_context
def root(context: click.Context, no_mouse: bool, debug: bool) -> None:
    """Browse MLHub datasets and STAC catalogs and download from them, in the terminal.

    Without a command the app starts. The options of the connection stand before or after a command.
    """
    if debug:
        _log(context)
    loaded = settings_of(context)
    use_units(loaded.config.units)
    if context.invoked_subcommand is None:
        sys.exit(_start_app(context, mouse=not no_mouse))
    if context.invoked_subcommand != "doctor":
        for problem in loaded.problems:
            note(problem)


def _log(context: click.Context) -> None:
    """Log from here on, what is started in the background too."""
    from .. import debug

    key = Choice.of(context).api_key
    if debug.start(sys.argv[1:], [key, os.environ.get("MLHUB_API_KEY")]) is None:
        note(f"no log: {paths.log_dir()} cannot be written")
    os.environ["MLHUB_DEBUG"] = "1"


def _start_app(context: click.Context, *, mouse: bool) -> int:
    """Run the app and return its exit code."""
    choice = Choice.of(context)
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        raise click.UsageError(
            "the app needs a terminal, and this is none; "
            "without one use: mlhub-tui list, show, download or configure"
        )
    options = AppOptions(
        choice.profile,
        choice.api_key,
        choice.root_url,
        choice.sample,
        output_dir(context),
        choice.source,
        mouse,
    )
    gc.disable()  # what is imported from here on stays; the app searches again from its first paint on
    from ..ui.app import run

    return run(options)
