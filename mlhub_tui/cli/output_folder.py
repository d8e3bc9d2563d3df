"""Where downloads go: the folder or URL that the command line, or else the settings, say."""

from __future__ import annotations

from pathlib import Path

import click

from .. import output_url
from ..errors import MLHubException
from .connection import settings
from .printing import given


def parse_folder(value: str) -> Path | str:
    """Return an absolute folder, or the URL of a store; click.BadParameter where it is neither."""
    if "://" in value or "::" in value:
        try:
            path, url = output_url.parse(value)
        except MLHubException as error:
            raise click.BadParameter(f"{error.message}: {error.hint}") from None
        if path is None:
            return url
        value = str(path)
    try:
        folder = Path(value).expanduser().absolute()
        in_the_way = folder.exists() and not folder.is_dir()
    except (RuntimeError, ValueError, OSError) as error:
        raise click.BadParameter(f"{value!r}: {error}") from None
    if in_the_way:
        raise click.BadParameter(f"{folder} is a file, not a folder")
    return folder


def output_place() -> Path | str:
    """Return the output folder or URL that was chosen, else that of the settings, else the current folder."""
    chosen: Path | str | None = given("output_dir")
    return chosen or settings().config.download_folder or Path.cwd()


def output_dir() -> Path:
    """Return the absolute output folder; click.UsageError if a URL was chosen."""
    chosen = output_place()
    if isinstance(chosen, str):
        raise click.UsageError(f"--output-dir {chosen}: URLs are for `download dataset --engine dask`")
    return chosen
