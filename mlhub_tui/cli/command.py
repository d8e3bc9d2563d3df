"""The command `mlhub-tui` itself: starts the app, or one of its subcommands."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import click

from .. import ui  # its modules are loaded when the app starts
from ..text import use_units
from ..version import __version__
from .connection import Choice, output_dir, settings
from .failures import failures
from .options import Group, completer, connection_options, no_such, option, output_option
from .printing import is_terminal, note

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
    "configure": ("sources", "Store an API key in a profile."),
    "list": ("listing", "List datasets, collections, models or items."),
    "show": ("showing", "Show a dataset, collection, item or model."),
    "search": ("searching", "Search a source for items."),
    "download": ("downloading", "Download archives, assets, datasets."),
    "queue": ("queueing", "Control and run the download queue."),
    "sources": ("sources", "Add, list, remove and test sources."),
    "cache": ("maintenance", "Show the size of the cache, or clear it."),
    "locate": ("maintenance", "Print the paths of settings and data."),
    "doctor": ("maintenance", "Check program, files, network and source."),
    "sample": ("maintenance", "Serve the built-in sample catalog."),
    "completion": ("maintenance", "Print the completion script of a shell."),
    "help": ("manual", "Read the manual."),
}
"""The module and description of each subcommand; imported when called, and not for the help."""


class Root(Group):
    """The outermost group, where every error ends."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand: the one that its module calls `NAME_command`."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f".{COMMANDS[cmd_name][0]}", __package__), f"{cmd_name}_command")
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the subcommands with their descriptions, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def make_context(self, *arguments: Any, **keywords: Any) -> click.Context:
        """Read the command line; errors become messages and exit codes."""
        with failures():
            return super().make_context(*arguments, **keywords)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, likewise."""
        with failures():
            return super().invoke(ctx)


def _themes() -> Iterable[tuple[str, str]]:
    return ((name, "theme") for name in ui.theme.theme_names())


_theme_option = option(
    "--theme NAME", "The theme of the app.  [default: as config.toml says]", shell_complete=completer(_themes)
)


@click.group(
    cls=Root,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)
@click.version_option(__version__, "-V", "--version", prog_name="mlhub-tui", message="%(prog)s %(version)s")
@output_option
@option("--no-mouse", "Leave the mouse to the terminal, for selecting text.")
@option("--debug", "Log what happens, without keys, to log/debug.log in MLHUB_HOME.", envvar="MLHUB_DEBUG")
@_theme_option
@connection_options
@click.pass_context
def root(context: click.Context, no_mouse: bool, debug: bool, theme: str | None) -> None:
    """Browse MLHub datasets and STAC catalogs and download from them, in the terminal.

    Without a command the app starts. The options of the connection stand before or after a command.
    """
    if debug:
        _log()
    loaded = settings()
    use_units(loaded.config.units)
    if context.invoked_subcommand is None:
        sys.exit(_start_app(mouse=not no_mouse, theme=theme or ""))
    if context.invoked_subcommand != "doctor":
        for problem in loaded.problems:
            note(problem)


def _log() -> None:
    """Log from here on, what is started in the background too."""
    from .. import debug, paths  # with --debug alone

    if debug.start(sys.argv[1:], [Choice.made().api_key, os.environ.get("MLHUB_API_KEY")]) is None:
        note(f"no log: {paths.log_dir()} cannot be written")
    os.environ["MLHUB_DEBUG"] = "1"


def _start_app(*, mouse: bool, theme: str) -> int:
    """Run the app and return its exit code."""
    choice = Choice.made()
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        raise click.UsageError(
            "the app needs a terminal, and this is none; "
            "without one use: mlhub-tui list, show, download or configure"
        )
    if theme and theme not in (names := [name for name, _ in _themes()]):
        raise no_such("theme", theme, names, click.get_current_context())
    from ..config import abilities  # not for a help page
    from ..options import AppOptions

    root = click.get_current_context().find_root().command
    assert isinstance(root, click.Group)

    def manual(topic: str) -> str:
        from .manual import text_of  # when it is read

        return text_of(topic, root)

    options = AppOptions(
        profile=choice.profile,
        api_key=choice.api_key,
        root_url=choice.root_url,
        sample=choice.sample,
        output_dir=output_dir(),
        source=choice.source,
        mouse=mouse,
        theme=theme,
        manual=manual,
    )
    if settings().config.colours == "full" or abilities.true_colour():
        os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", "truecolor")  # Rich knows few names of terminals
    gc.disable()  # what is imported from here on stays; the app searches again from its first paint on,
    gc.set_threshold(20_000)  # often, as a key waits for each time
    from ..ui.app import run

    return run(options)
