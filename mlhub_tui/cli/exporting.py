"""The options that say in which form items are printed, and the printing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import InvalidSearch
from .documents import Writer
from .listing import stream_json, stream_table

if TYPE_CHECKING:
    from ..models import Item
    from ..sources.base import Source
    from ..sources.export import Exporter, URLs

_F = TypeVar("_F", bound=Callable[..., Any])
_FORMS = {
    "json": "Print the items as an array, as received.",
    "geojson": "Print a GeoJSON feature collection of the items, as received.",
    "csv": "Print CSV: identity, dates, box, properties.",
    "urls": "Print the URLs of the items' assets.",
    "aria2": "Print an input file for aria2 with the items' assets.",
}


def form_options(command: _F) -> _F:
    """Add the forms, and which assets are meant, to a command; `form_of` takes them from its arguments."""
    command = click.option(
        "--role", "roles", multiple=True, metavar="ROLE", help="Only assets of this role; repeatable."
    )(command)
    command = click.option(
        "--asset", "keys", multiple=True, metavar="KEY", help="Only this asset of each item; repeatable."
    )(command)
    for name, text in reversed(_FORMS.items()):
        command = click.option(f"--{name}", f"as_{name}", is_flag=True, help=text)(command)
    return command


def form_of(given: Mapping[str, Any]) -> str:
    """Return the form that was chosen; empty for a table.

    Raises
    ------
    click.UsageError
        If there are several, or assets are chosen of a form that has none.
    """
    forms = [name for name in _FORMS if given[f"as_{name}"]]
    if len(forms) > 1:
        raise click.UsageError(f"choose one of {', '.join(f'--{name}' for name in forms)}")
    form = forms[0] if forms else ""
    if (given["keys"] or given["roles"]) and form not in ("urls", "aria2"):
        raise click.UsageError("--asset and --role say which assets --urls and --aria2 print")
    return form


async def print_items(
    source: Source, writer: Writer, items: AsyncGenerator[Item, None], given: Mapping[str, Any]
) -> None:
    """Print items in the form that was chosen; what cannot be printed is said on stderr."""
    form = form_of(given)
    if form in ("", "json"):
        await (stream_json(writer, items) if form else stream_table(items))
        return
    from ..sources.export import export

    exporter, urls = _exporter(form, source, writer, given)
    refused = None
    try:
        await export(items, exporter, lambda text: click.echo(text, nl=False) if text else None)
        if urls is not None and urls.nothing_chosen:
            refused = InvalidSearch(
                "; ".join(urls.unknown()), hint="choose from these with --asset or --role"
            )
            raise refused
    finally:
        for note in exporter.notes() if refused is None else ():
            click.echo(f"note: {note}", err=True)


def _exporter(
    form: str, source: Source, writer: Writer, given: Mapping[str, Any]
) -> tuple[Exporter, URLs | None]:
    """Return what writes a form, and what chooses the assets where it is about them."""
    from ..planning.aria2 import Aria2
    from ..sources.export import Chosen, CSVTable, GeoJSON, URLs

    if form == "geojson":
        return GeoJSON(writer.line), None
    if form == "csv":
        return CSVTable(), None
    session = getattr(source, "session", None)  # a source on this machine may have none
    urls = URLs(Chosen(tuple(given["keys"]), tuple(given["roles"])), session.bare if session else str)
    return (urls if form == "urls" else Aria2(urls)), urls
