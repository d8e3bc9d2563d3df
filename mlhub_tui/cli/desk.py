"""The shared queue as the commands open it, and the notes they write beside what they print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import paths
from ..text import one_line

if TYPE_CHECKING:
    from ..queue.client import QueueClient

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, nothing else.")


def open_desk() -> QueueClient:
    """Open the queue, a context manager."""
    from ..queue.client import QueueClient

    return QueueClient(paths.queue())


def note(words: str) -> None:
    """Write a note to stderr."""
    click.echo(f"note: {one_line(words)}", err=True)
