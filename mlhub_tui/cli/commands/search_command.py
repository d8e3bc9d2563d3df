"""The declaration of `mlhub-tui search`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..completion import collection_ids, saved_names, source_names
from ..options import Command, all_of, connection_options, limit_option, option

_FORMS = {
    "json": "Print the items as an array, as received.",
    "geojson": "Print a GeoJSON feature collection of the items, as received.",
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
    ),
    option("--bbox W,S,E,N", "Touching this box, in degrees."),
    option("--intersects FILE", "Touching what is in this GeoJSON file.", type=click.Path(path_type=Path)),
    option("--datetime WHEN", "A day, month or year, or two: 2018-04/2018-06, 2018/..", name="when"),
    option("--filter CQL2", 'In CQL2 text: "eo:cloud_cover" < 10', name="expression"),
    option("--ids ID,...", "With one of these IDs; repeatable.", multiple=True),
    option("--text WORDS", "With all of these words."),
    option("--sort FIELD,...", "In this order; -FIELD for descending.", multiple=True),
    limit_option,
)
_forms = all_of(
    *(option(f"--{name}", about, name=f"as_{name}") for name, about in _FORMS.items()),
    option("--asset KEY", "Only this asset of each item; repeatable.", name="keys", multiple=True),
    option("--role ROLE", "Only assets of this role; repeatable.", name="roles", multiple=True),
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
def search_command(**given: Any) -> None:
    """Search a SOURCE for items.

    SOURCE is the URL or path of a STAC API or catalog, the name of a profile or of a public source, or
    `sample`; without one the options of the connection say which. A source that has no search of its own is
    walked, and its items are filtered locally.
    """
    from ..searching import search

    search(**given)
