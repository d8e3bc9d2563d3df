"""`mlhub-tui sample`: the sample catalog as a server for other clients."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from ..text import size
from .options import Group

if TYPE_CHECKING:
    from ..sample.server import SampleServer

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3}
EPILOG = """\b
Examples:
  mlhub-tui sample serve
  mlhub-tui sample serve --port 8000 --rate 500k
"""


def _rate(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    """Return bytes per second of `500000`, `500k` or `2.5MB`; 0 is no limit."""
    if value is None:
        return None
    match = re.fullmatch(r"(?i)(\d{1,12}(?:\.\d{1,6})?)\s*([kmg]?)(?:b|b/s|bytes/s)?", value.strip())
    if not match:
        raise click.BadParameter(f"{value!r} is no rate; give bytes per second, like 500000, 500k or 2M")
    return int(float(match[1]) * _UNITS[match[2].lower()])


@click.group("sample", cls=Group)
def sample() -> None:
    """Serve the built-in sample catalog."""


@sample.command("serve", epilog=EPILOG)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="The port.  [default: a free one]"
)
@click.option(
    "--rate",
    callback=_rate,
    metavar="BYTES/s",
    help="Speed limit of a download; 0 is none.  [default: 8388608]",
)
def serve(port: int, rate: int | None) -> None:
    """Serve the sample catalog on this machine until Ctrl+C.

    It speaks the MLHub API, so that other clients can be tried against it.
    """
    from ..sample import DEFAULT_RATE
    from ..sample.server import serve_forever

    limit = DEFAULT_RATE if rate is None else rate or None

    def ready(server: SampleServer) -> None:
        speed = f"{size(limit)}/s a download" if limit else "as fast as it goes"
        click.echo(
            f"Serving the sample catalog, {speed}\n"
            f"  root URL  {server.root_url}\n"
            f"  API key   {server.key}\n"
            f"For other clients:\n"
            f"  export MLHUB_ROOT_URL={server.root_url} MLHUB_API_KEY={server.key}\n"
            f"Ctrl+C stops it."
        )

    serve_forever(port, rate=limit, on_ready=ready)
