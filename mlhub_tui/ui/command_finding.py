"""The table of commands: finding one's way in the tree."""

from __future__ import annotations

from .command import BROWSE, EVERYWHERE, AppCommand

TRAVELLING: tuple[AppCommand, ...] = (
    AppCommand("app.earlier", "ctrl+o", "travel(-1)", "back", "Go back to where you were before", EVERYWHERE),
    AppCommand(
        "app.later", "ctrl+y", "travel(1)", "forward", "Go forward again, after you went back", EVERYWHERE
    ),
)

FINDING: tuple[AppCommand, ...] = (
    AppCommand(
        "browse.filter",
        "slash",
        "filter",
        "filter",
        "Filter by id, title, tags, keywords and DOI; what comes near where nothing fits",
        BROWSE,
        2,
    ),
    AppCommand(
        "browse.facets",
        "f",
        "facets",
        "facets",
        "Narrow the tree by tags, keywords, types and licences, with their numbers",
        BROWSE,
        6,
    ),
    AppCommand(
        "browse.next", "n", "next_match(1)", "next match", "Go to the next match of the filter", BROWSE
    ),
    AppCommand(
        "browse.previous", "N", "next_match(-1)", "previous match", "Go to the previous match", BROWSE
    ),
    AppCommand(
        "browse.goto",
        "t",
        "goto",
        "go to",
        "Go to an id, a DOI or the URL of a document, loaded yet or not",
        BROWSE,
        8,
    ),
    AppCommand(
        "browse.favourite",
        "asterisk",
        "favourite",
        "favourite",
        "Mark what is under the cursor as a favourite, or mark it no more",
        BROWSE,
        9,
    ),
    AppCommand(
        "browse.favourites", "F", "favourites", "favourites", "List the favourites and go to one", BROWSE
    ),
    AppCommand(
        "browse.sort",
        "z",
        "sort",
        "sort",
        "Show the entries in another order: as listed, by title, by id, newest first",
        BROWSE,
        9,
    ),
    AppCommand(
        "browse.back",
        "left_square_bracket",
        "travel(-1)",
        "back",
        "Go back to where you were before",
        BROWSE,
        palette=False,
    ),
    AppCommand(
        "browse.forward",
        "right_square_bracket",
        "travel(1)",
        "forward",
        "Go forward again, after you went back",
        BROWSE,
        palette=False,
    ),
)
