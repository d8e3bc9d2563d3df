"""The declaration of `mlhub-tui help`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..options import Command, option

EPILOG = """\b
Examples:
  mlhub-tui help
  mlhub-tui help downloads
  mlhub-tui help --search proxy
  mlhub-tui help --man ~/.local/share/man/man1
"""


@click.command("help", cls=Command, epilog=EPILOG, short_help="Read the manual.")
@click.argument("topic", required=False)
@option("--search WORD", "List the lines of the manual that contain WORD.", name="word")
@option("--man DIR", "Write man pages to DIR.", type=click.Path(file_okay=False, path_type=Path))
@click.pass_context
def help_command(context: click.Context, /, **given: Any) -> None:
    """Read the manual: a TOPIC, or the help of a command; without one, list the topics.

    On a terminal it is shown in a pager; piped, it is plain Markdown.
    """
    from ..manual import read

    read(context, **given)
