"""The declaration of `mlhub-tui list`."""

from __future__ import annotations

from typing import Any

import click

from ..completion import collection_ids
from ..options import Group, all_of, connection_options, json_option, limit_option, option

EPILOG = """\b
Examples:
  mlhub-tui list datasets --tag segmentation --text kenya
  mlhub-tui list collections --json | jq -r '.[].id'
  mlhub-tui --sample list items ref_african_crops_kenya_02_labels --limit 5
  mlhub-tui --source earth-search list collections
"""
_filters = all_of(
    option("--tag TAG", "With this tag; repeatable.", name="tags", multiple=True),
    option("--text TEXT", "With this phrase; repeatable.", name="text", multiple=True),
    json_option,
    connection_options,
)


@click.group("list", cls=Group, epilog=EPILOG)
@connection_options
def list_command() -> None:
    """List datasets, collections, models or items."""


@list_command.command("datasets", short_help="List the datasets; works without a key.")
@_filters
def list_datasets(**given: Any) -> None:
    """List the datasets that have every tag and phrase; works without a key."""
    from ..listing import print_datasets

    print_datasets(**given)


@list_command.command("collections", short_help="List the collections; works without a key.")
@_filters
def list_collections(**given: Any) -> None:
    """List the collections that have every keyword and phrase; works without a key."""
    from ..listing import print_collections

    print_collections(**given)


@list_command.command("models", short_help="List the models; works without a key.")
@_filters
def list_models(**given: Any) -> None:
    """List the models that have every keyword and phrase; works without a key."""
    from ..listing import print_models

    print_models(**given)


@list_command.command("items", short_help="List the items of a collection; needs a key.")
@click.argument("collection", shell_complete=collection_ids)
@limit_option
@option("--page-size N", "Ask for N items at a time.", type=click.IntRange(min=1))
@json_option
@connection_options
def list_items(**given: Any) -> None:
    """List the items of a COLLECTION, page by page; needs a key."""
    from ..listing import print_items

    print_items(**given)
