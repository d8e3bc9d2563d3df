"""The declaration of `mlhub-tui show`."""

from __future__ import annotations

import click

from ..completion import collection_ids, dataset_ids
from ..options import Group, all_of, connection_options, option

EPILOG = """\b
Examples:
  mlhub-tui show dataset ref_african_crops_kenya_02
  mlhub-tui show dataset 10.34911/rdnt.dw605x --json
  mlhub-tui show dataset ref_african_crops_kenya_02 --bibtex >> data.bib
  mlhub-tui show item ref_african_crops_kenya_02_labels ITEM_ID
"""
_forms = all_of(
    *(
        option(f"--{form}", about, name="form", flag_value=form, default=None)
        for form, about in (
            ("json", "Print JSON as received, nothing else."),
            ("bibtex", "Print its entry for BibTeX."),
            ("citation", "Print how it is cited, one line each."),
        )
    ),
    connection_options,
)


@click.group("show", cls=Group, epilog=EPILOG)
@connection_options
def show_command() -> None:
    """Show a dataset, collection, item or model."""


@show_command.command("dataset")
@click.argument("ids", nargs=-1, required=True, metavar="ID_OR_DOI...", shell_complete=dataset_ids)
@_forms
def show_dataset(ids: tuple[str, ...], form: str | None) -> None:
    """Show datasets by ID or DOI; works without a key."""
    _show("dataset", ids, form)


@show_command.command("collection")
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=collection_ids)
@_forms
def show_collection(ids: tuple[str, ...], form: str | None) -> None:
    """Show collections by ID; works without a key."""
    _show("collection", ids, form)


@show_command.command("item")
@click.argument("collection", shell_complete=collection_ids)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@_forms
def show_item(collection: str, ids: tuple[str, ...], form: str | None) -> None:
    """Show items of a COLLECTION by ID; needs a key."""
    _show("item", ids, form, collection)


@show_command.command("model")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@_forms
def show_model(ids: tuple[str, ...], form: str | None) -> None:
    """Show models by ID; works without a key."""
    _show("model", ids, form)


def _show(kind: str, ids: tuple[str, ...], form: str | None, collection: str = "") -> None:
    from ..showing import show_documents

    show_documents(kind, ids, form, collection)
