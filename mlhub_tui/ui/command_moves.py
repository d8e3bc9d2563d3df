"""The table of commands: moves in lists, on maps, through time and in JSON."""

from __future__ import annotations

from .command import DATES, JSON, LISTS, MAP, PREVIEW, AppCommand

MOVES: tuple[AppCommand, ...] = (
    # Lists, trees and tables
    AppCommand("list.down", "j,down", "cursor_down", "down", "Go down", LISTS, palette=False),
    AppCommand("list.up", "k,up", "cursor_up", "up", "Go up", LISTS, palette=False),
    AppCommand("list.top", "g,home", "top", "top", "Go to the top", LISTS, palette=False),
    AppCommand("list.bottom", "G,end", "bottom", "bottom", "Go to the bottom", LISTS, palette=False),
    AppCommand(
        "list.page_down", "ctrl+d,pagedown", "page_down", "page down", "Go a page down", LISTS, palette=False
    ),
    AppCommand("list.page_up", "ctrl+u,pageup", "page_up", "page up", "Go a page up", LISTS, palette=False),
    # The map
    AppCommand("map.left", "h,left", "pan(-1, 0)", "left", "Move to the west", MAP, palette=False),
    AppCommand("map.down", "j,down", "pan(0, 1)", "down", "Move to the south", MAP, palette=False),
    AppCommand("map.up", "k,up", "pan(0, -1)", "up", "Move to the north", MAP, palette=False),
    AppCommand("map.right", "l,right", "pan(1, 0)", "right", "Move to the east", MAP, palette=False),
    AppCommand("map.closer", "plus,equals_sign", "zoom(1)", "closer", "Look closer", MAP, palette=False),
    AppCommand("map.farther", "minus", "zoom(-1)", "farther", "See more around", MAP, palette=False),
    AppCommand("map.fit", "f", "fit", "fit", "Show all that is on the map, closer", MAP, palette=False),
    AppCommand("map.world", "0", "world", "world", "Show the whole world", MAP, palette=False),
    AppCommand("map.next", "n", "step(1)", "next", "Go to the next footprint", MAP, palette=False),
    AppCommand(
        "map.previous", "N", "step(-1)", "previous", "Go to the previous footprint", MAP, palette=False
    ),
    AppCommand(
        "map.open", "enter", "take", "open", "Open the footprint, or take the box", MAP, palette=False
    ),
    AppCommand(
        "map.box", "b", "box", "box", "Choose a box to search in; keys move its corner", MAP, palette=False
    ),
    AppCommand(
        "map.dates", "t", "other", "dates", "Go to the histogram of dates, or back", MAP, palette=False
    ),
    AppCommand("map.corner", "o", "corner", "corner", "Move the box's other corner", MAP, palette=False),
    # The histogram of dates
    AppCommand(
        "dates.left", "h,left", "cursor(-1)", "earlier", "Go to an earlier time", DATES, palette=False
    ),
    AppCommand("dates.right", "l,right", "cursor(1)", "later", "Go to a later time", DATES, palette=False),
    AppCommand(
        "dates.first", "g,home", "cursor_to(0)", "first", "Go to the first time", DATES, palette=False
    ),
    AppCommand("dates.last", "G,end", "cursor_to(-1)", "last", "Go to the last time", DATES, palette=False),
    AppCommand(
        "dates.range", "b,space", "range", "range", "Begin a range of time, or end it", DATES, palette=False
    ),
    AppCommand("dates.take", "enter", "take", "take", "Search in the range of time", DATES, palette=False),
    # The preview of an image
    AppCommand(
        "preview.next",
        "n,right",
        "image(1)",
        "next",
        "Show the next image of the item",
        PREVIEW,
        palette=False,
    ),
    AppCommand(
        "preview.previous",
        "N,left",
        "image(-1)",
        "previous",
        "Show the previous image of the item",
        PREVIEW,
        palette=False,
    ),
    AppCommand(
        "preview.down", "j,down", "document(1)", "next item", "Show the next item", PREVIEW, palette=False
    ),
    AppCommand(
        "preview.up",
        "k,up",
        "document(-1)",
        "previous item",
        "Show the previous item",
        PREVIEW,
        palette=False,
    ),
    AppCommand(
        "preview.fetch",
        "enter",
        "fetch",
        "fetch",
        "Fetch the image, once its size is told",
        PREVIEW,
        palette=False,
    ),
    # The JSON of a document
    AppCommand("json.toggle", "enter", "select_cursor", "fold", "Fold or unfold", JSON, 1, palette=False),
    AppCommand("json.unfold", "l,right", "unfold", "unfold", "Unfold, or go into it", JSON, palette=False),
    AppCommand("json.fold", "h,left", "fold", "fold", "Fold, or go to what it is in", JSON, palette=False),
    AppCommand(
        "json.unfold_all", "plus,equals_sign", "unfold_all", "all", "Unfold all", JSON, 5, palette=False
    ),
    AppCommand("json.fold_all", "minus", "fold_all", "none", "Fold all", JSON, 6, palette=False),
    AppCommand("json.find", "slash", "find", "find", "Search names and values", JSON, 2, palette=False),
    AppCommand("json.next", "n", "step(1)", "next", "Go to the next match", JSON, palette=False),
    AppCommand("json.previous", "N", "step(-1)", "previous", "Go to the previous match", JSON, palette=False),
    AppCommand("json.copy", "y", "copy_value", "copy value", "Copy the value", JSON, 3, palette=False),
    AppCommand(
        "json.path", "Y", "copy_path", "copy path", "Copy where it is, as a JSONPath", JSON, 4, palette=False
    ),
)
