"""`mlhub-tui search`: the items of a source that a search finds, as a table or for another program."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from .. import models, planning, sources  # their modules are loaded when they are used
from ..errors import InvalidSearch
from ..text import count, now, one_line
from .connection import Choice, run
from .listing import ItemListing, stream_json, stream_table
from .options import (
    Command,
    all_of,
    area_options,
    collection_ids,
    connection_options,
    filled,
    limit_option,
    option,
    saved_names,
    source_names,
)
from .printing import Writer, note, print_table

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..models import Item, Search
    from ..sources.base import Page, Source
    from ..sources.export import Exporter
    from ..sources.saved_searches import SavedSearch

_SAMPLE = "sample"
_PAGE = 100  # items; what most APIs give at most, and a good deal less than they send in a second
_FORMS = {
    "json": "Print the items as an array, as received.",
    "geojson": "Print a GeoJSON feature collection of the items, hrefs absolute.",
    "csv": "Print CSV: identity, dates, box, properties.",
    "urls": "Print the URLs of the items' assets.",
    "aria2": "Print an input file for aria2 with the items' assets.",
}
EPILOG = """\b
Examples:
  mlhub-tui search planetary-computer -c naip --datetime 2021 --limit 20
  mlhub-tui search ./catalog.tar.gz --bbox 33.9,-0.4,35.2,0.9 --geojson > items.geojson
  mlhub-tui search earth-search -c naip --datetime 2021 --limit 9 --asset image --urls
  mlhub-tui search earth-search -c naip --datetime 2021 --save "naip 2021"
  mlhub-tui search --saved "naip 2021" --csv
"""
_criteria = all_of(
    option(
        "-c, --collection ID",
        "Search this one; repeatable.",
        name="collections",
        multiple=True,
        shell_complete=collection_ids,
        callback=filled,
    ),
    area_options,
    option(
        "--filter CQL2", 'In CQL2, text or JSON: "eo:cloud_cover" < 10', name="expression", callback=filled
    ),
    option("--ids ID,...", "With one of these IDs; repeatable.", multiple=True, callback=filled),
    option("--text WORDS", "With all of these words.", callback=filled),
    option("--sort FIELD,...", "In this order; -FIELD for descending.", multiple=True, callback=filled),
    limit_option,
)
_forms = all_of(
    *(option(f"--{name}", about, name=f"as_{name}") for name, about in _FORMS.items()),
    option(
        "--asset KEY",
        "Only this asset of each item; repeatable.",
        name="keys",
        multiple=True,
        callback=filled,
    ),
    option(
        "--role ROLE", "Only assets of this role; repeatable.", name="roles", multiple=True, callback=filled
    ),
)


@click.command("search", cls=Command, epilog=EPILOG, short_help="Search a source for items.")
@click.argument("place", required=False, metavar="[SOURCE]", shell_complete=source_names)
@_criteria
@_forms
@option("--save NAME", "Save the search and its count under a name.")
@option("--saved NAME", "Run a saved search; options override what was saved.", shell_complete=saved_names)
@option("--list", "List the saved searches.", name="list_saved")
@option("--forget NAME", "Forget a saved search.", shell_complete=saved_names)
@connection_options
def search_command(
    place: str | None, save: str | None, saved: str | None, list_saved: bool, forget: str | None, **given: Any
) -> None:
    """Search a SOURCE for items.

    SOURCE is the URL or path of a STAC API or catalog, the name of a profile or of a public source, or
    `sample`; without one the options of the connection say which. A source that has no search of its own is
    walked, and its items are filtered locally.
    """
    saved_searches = sources.saved_searches
    store = saved_searches.SavedSearches()
    if list_saved or forget is not None:
        _list(store.all()) if forget is None else store.remove(forget)
        return
    if save is not None:
        saved_searches.check_name(save)
    before = store.get(saved) if saved is not None else None
    choice, form = _choice(place, before), _form(given)
    sought = _wanted(before.search if before else models.Search(), given)

    async def work(source: Source, used: Credentials) -> int | None:
        async def page(link: str | None) -> Page[Item]:
            return await source.search_page(sought, link=link, page_size=_PAGE)

        with ItemListing(source, page).reported(cut=form in ("json", "geojson")) as listing:
            await _print(source, Writer(used), listing.entries(), form, given["keys"], given["roles"])
        if listing.matched is None:
            return None if listing.stopped else listing.loaded
        if listing.matched > listing.loaded:
            click.echo(f"{listing.loaded:,} of {count(listing.matched, 'item')}", err=True)
        return listing.matched

    found = run(work, choice=choice, key_needed=True)
    name = save if save is not None else saved
    if name is not None:
        store.put(saved_searches.SavedSearch(name, _where(choice), sought, found, now()))


def _wanted(before: Search, given: Mapping[str, Any]) -> Search:
    """Return a search with what the options say; what they do not name stays as it was."""
    changes = {
        "collections": given["collections"],
        "ids": _parts(given["ids"]),
        "sort": _sort_fields(given["sort"]),
        "datetime": None if given["when"] is None else models.parse_when(given["when"]),
        "filter": given["expression"],
        "text": given["text"],
        "limit": given["limit"],
    }
    if given["bbox"] is not None or given["intersects"] is not None:
        before = replace(before, bbox=given["bbox"], intersects=given["intersects"])
    return replace(before, **{name: value for name, value in changes.items() if value not in (None, ())})


def _parts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def _sort_fields(values: Iterable[str]) -> tuple[str, ...]:
    fields = _parts(values)
    for field in fields:
        if not re.fullmatch(r"[+-]?\s*[^\s+-]\S*", field):
            words = f"{one_line(field, 60)!r} is no field; -FIELD sorts descending"
            raise click.BadParameter(words, param_hint="'--sort'")
    return fields


def _choice(place: str | None, before: SavedSearch | None) -> Choice:
    """Return where to search: what is named, else where a saved search was, else what applies anyway."""
    choice = Choice.made()
    named = choice.source or choice.profile or choice.root_url or ("--sample" if choice.sample else None)
    if place is not None and named is not None:
        raise click.UsageError(f"both {place!r} and {named!r} say where to search; leave one out")
    if place is None and named is None and before is not None:
        place = before.source
    if place is None:
        return choice
    return Choice(sample=True) if place == _SAMPLE else Choice(api_key=choice.api_key, source=place)


def _where(choice: Choice) -> str:
    """Return where a search was as it can be saved: a profile's name, or a URL or path without its key."""
    if choice.sample:
        return _SAMPLE
    found = replace(choice, api_key=None).credentials()
    return found.profile or found.root_url


def _form(given: Mapping[str, Any]) -> str:
    """Return the form that was chosen; empty for a table.

    Raises click.UsageError if there are several, or assets are chosen of a form that has none.
    """
    forms = [name for name in _FORMS if given[f"as_{name}"]]
    if len(forms) > 1:
        raise click.UsageError(f"choose one of {', '.join(f'--{name}' for name in forms)}")
    form = forms[0] if forms else ""
    if (given["keys"] or given["roles"]) and form not in ("urls", "aria2"):
        raise click.UsageError("--asset and --role say which assets --urls and --aria2 print")
    return form


async def _print(
    source: Source,
    writer: Writer,
    items: AsyncGenerator[Item, None],
    form: str,
    keys: Sequence[str],
    roles: Sequence[str],
) -> None:
    """Print items in a form; what cannot be printed is noted.

    Raises InvalidSearch if no item has an asset of the keys and roles.
    """
    if form in ("", "json"):
        await (stream_json(writer, items) if form else stream_table(items))
        return
    export = sources.export
    urls = export.URLs(export.Chosen(tuple(keys), tuple(roles)), source.session.bare)
    exporter: Exporter = urls
    if form in ("geojson", "csv"):
        exporter = export.GeoJSON(writer.line) if form == "geojson" else export.CSVTable()
    elif form == "aria2":
        exporter = planning.assets.Aria2(urls)
    if form in ("urls", "aria2"):
        items = sources.asset_links.StorageTerms(source.collection).all_of(items)
    refused = False
    try:
        await export.export(items, exporter, lambda text: click.echo(text, nl=False) if text else None)
        refused = form in ("urls", "aria2") and urls.nothing_chosen
    finally:
        for line in () if refused else exporter.notes():
            note(line)
    if refused:
        raise InvalidSearch("; ".join(urls.unknown()), hint="choose from these with --asset or --role")


def _list(found: list[SavedSearch]) -> None:
    """Print the saved searches."""
    if not found:
        click.echo("no saved searches", err=True)
        return
    rows = [
        (
            saved.name,
            "" if saved.count is None else f"{saved.count:,}",
            saved.when,
            _words(saved.search),
            saved.source,
        )
        for saved in found
    ]
    print_table(("NAME", "FOUND", "WHEN", "SEARCH", "SOURCE"), rows)


def _words(search: Search) -> str:
    """Return a search on one line, in the words of the command's options."""
    box = search.bbox
    options = {
        "--bbox": f"{box.west:g},{box.south:g},{box.east:g},{box.north:g}" if box else "",
        "--intersects": search.intersects.get("type") if search.intersects else "",
        "--datetime": search.datetime,
        "--filter": repr(search.filter) if search.filter else "",
        "--ids": ",".join(search.ids),
        "--text": repr(search.text) if search.text else "",
        "--sort": ",".join(search.sort),
        "--limit": "" if search.limit is None else str(search.limit),
    }
    parts = [f"-c {identity}" for identity in search.collections]
    return one_line(" ".join([*parts, *(f"{name} {value}" for name, value in options.items() if value)]), 100)
