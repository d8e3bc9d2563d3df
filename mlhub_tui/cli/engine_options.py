"""The options that say what fetches a dataset: this program, or the workers of a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .options import Choice

if TYPE_CHECKING:
    from ..options import ClusterConfig

_F = TypeVar("_F", bound=Callable[..., Any])
_ADDRESS = "DASK_SCHEDULER_ADDRESS"
_OPTIONS = (
    click.option(
        "--engine",
        type=click.Choice(["local", "dask"]),
        default="local",
        show_default=True,
        help="What fetches the files: this program, or the workers of a Dask cluster, which put them"
        " into stores too: --output-dir takes s3://BUCKET/DIR and other fsspec URLs then.",
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        help=f"The cluster's scheduler, as tcp://10.0.0.1:8786.  [default: {_ADDRESS}, else a cluster is made"
        " on this machine]",
    ),
    click.option(
        "--workers",
        type=click.IntRange(1, 64),
        metavar="N",
        help="Processes of the cluster on this machine.  [default: one for each core]",
    ),
    click.option(
        "--connections",
        type=click.IntRange(1, 1024),
        metavar="N",
        help="Connections to one host at a time, of all workers together.  [default: 16]",
    ),
)


def engine_options(command: _F) -> _F:
    """Add the choice of an engine to a command; `cluster_of` takes it from the command's arguments."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def cluster_of(
    engine: str, scheduler: str | None, workers: int | None, connections: int | None, choice: Choice
) -> ClusterConfig | None:
    """Return the cluster that the options say; None for this program alone.

    Raises
    ------
    click.UsageError
        If options do not go together.
    NotInstalled, DownloadError
        If a cluster is asked for and what it needs is not there, or its address is none.
    """
    given = {"--scheduler": scheduler, "--workers": workers, "--connections": connections}
    if engine == "local":
        if named := ", ".join(name for name, value in given.items() if value is not None):
            raise click.UsageError(f"{named}: only with --engine dask")
        return None
    if scheduler and workers:
        raise click.UsageError("--workers is for a cluster on this machine; leave it out, or --scheduler")
    if choice.api_key:
        words = "set MLHUB_API_KEY in their environment, or give them a profile"
        raise click.UsageError(f"--api-key does not reach the workers: {words}")
    from ..cluster.dask_client import check_scheduler
    from ..options import ClusterConfig

    found = scheduler or ("" if workers else os.environ.get(_ADDRESS, ""))
    cluster = ClusterConfig(found.strip(), workers, connections)
    check_scheduler(cluster)
    return cluster
