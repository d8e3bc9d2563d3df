"""`mlhub-tui search`: the items of a source that a search finds, as a table or for another program."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

import click

from ..auth import resolve_or_anonymous
from ..text import count, now, one_line
from .connect import run
from .criteria import criteria, wanted
from .documents import Writer
from .exporting import form_of, form_options, print_items
from .options import Choice, Command, connection_options
from .remarks import Remarks
from .tables import table, terminal_width

if TYPE_CHECKING:
    from ..models import Item, Search
    from ..sources.base import Page, Source
    from ..sources.saved_searches import SavedSearch

_SAMPLE = "sample"
_PAGE = 100  # items; what most APIs give at most, and a good deal less than they send in a second
EPILOG = """\b
Examples:
  mlhub-tui search planetary-computer -c naip --datetime 2021 --limit 20
  mlhub-tui search ./catalog.tar.gz --bbox 33.9,-0.4,35.2,0.9 --geojson > items.geojson
  mlhub-tui search earth-search -c naip --datetime 2021 --limit 9 --asset image --urls
  mlhub-tui search earth-search -c naip --datetime 2021 --save "naip 2021"
  mlhub-tui search --saved "naip 2021" --csv
"""


@click.command("search", cls=Command, epilog=EPILOG, short_help="Search a source for items.")
@click.argument("place", required=False, metavar="[SOURCE]")
@criteria
@form_options
@click.option("--save", metavar="NAME", help="Save the search and its count under a name.")
@click.option("--saved", metavar="NAME", help="Run a saved search; options go before what was saved.")
@click.option("--list", "list_saved", is_flag=True, help="List the saved searches.")
@click.option("--forget", metavar="NAME", help="Forget a saved search.")
@connection_options
@click.pass_context
def search(
    context: click.Context,
    /,
    place: str | None,
    save: str | None,
    saved: str | None,
    list_saved: bool,
    forget: str | None,
    **given: Any,
) -> None:
    """Search a SOURCE for items.

    SOURCE is the URL or path of a STAC API or catalog, the name of a profile or of a public source, or
    `sample`; without one the options of the connection say which. A source that has no search of its own is
    walked, and its items are filtered locally.
    """
    from ..sources.saved_searches import SavedSearch, SavedSearches, check_name

    store = SavedSearches()
    if list_saved or forget is not None:
        _list(store.all()) if forget is None else store.remove(forget)
        return
    if save is not None:
        check_name(save)
    before = store.get(saved) if saved is not None else None
    choice = _choice(context, place, before)
    form_of(given)
    sought = wanted(before.search, given) if before else _new(given)
    found = run(choice, lambda source, writer: _search(source, writer, sought, given), key_needed=True)
    name = save if save is not None else saved
    if name is not None:
        store.put(SavedSearch(name, _where(choice), sought, found, now()))


def _new(given: Mapping[str, Any]) -> Search:
    from ..models import Search

    return wanted(Search(), given)


def _choice(context: click.Context, place: str | None, before: SavedSearch | None) -> Choice:
    """Return where to search: what is named, else where a saved search was, else what applies anyway."""
    choice = Choice.of(context)
    named = choice.source or choice.profile or choice.root_url or ("--sample" if choice.sample else None)
    if place is not None and named is not None:
        raise click.UsageError(f"both {place!r} and {named!r} say where to search; leave one out")
    if place is None and named is None and before is not None:
        place = before.source
    if place is None:
        return choice
    if place == _SAMPLE:
        return Choice(sample=True)
    return Choice(api_key=choice.api_key, source=place)


def _where(choice: Choice) -> str:
    """Return where a search was as it can be saved: a profile's name, or a URL or path without its key."""
    if choice.sample:
        return _SAMPLE
    if choice.source is None:
        found = resolve_or_anonymous(profile=choice.profile, root_url=choice.root_url)
    else:
        from ..sources.source_names import choose

        found = choose(choice.source)
    return found.profile or found.root_url


async def _search(source: Source, writer: Writer, sought: Search, given: Mapping[str, Any]) -> int | None:
    """Print what a search finds and return how many items there are; None where that is not known."""
    from ..sources.base import Listing

    remarks = Remarks()

    async def page(link: str | None) -> Page[Item]:
        found = await source.search_page(sought, link=link, page_size=_PAGE)
        remarks.take(found)
        return found

    listing = Listing(page)

    async def items() -> AsyncGenerator[Item, None]:
        async for item in listing.entries():
            yield item

    with remarks.broken_off(listing, cut=form_of(given) in ("json", "geojson")):
        await print_items(source, writer, items(), given)
    remarks.say(listing.loaded, listing.stopped)
    if listing.matched is not None and listing.matched > listing.loaded:
        click.echo(f"{listing.loaded:,} of {count(listing.matched, 'item')}", err=True)
    return listing.matched if listing.matched is not None else None if listing.stopped else listing.loaded


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
    click.echo("\n".join(table(("NAME", "FOUND", "WHEN", "SEARCH", "SOURCE"), rows, terminal_width())))


def _words(search: Search) -> str:
    """Return a search on one line, in the words of the command's options."""
    box = search.bbox
    parts = [
        *(f"-c {identity}" for identity in search.collections),
        f"--bbox {box.west:g},{box.south:g},{box.east:g},{box.north:g}" if box else "",
        f"--intersects {search.intersects.get('type')}" if search.intersects else "",
        f"--datetime {search.datetime}" if search.datetime else "",
        f"--filter {search.filter!r}" if search.filter else "",
        f"--ids {','.join(search.ids)}" if search.ids else "",
        f"--text {search.text!r}" if search.text else "",
        f"--sort {','.join(search.sort)}" if search.sort else "",
        f"--limit {search.limit}" if search.limit is not None else "",
    ]
    return one_line(" ".join(filter(None, parts)), 100)
