"""The table of commands: id, keys, title, help and screen of each."""

from __future__ import annotations

from .app_command import (
    BROWSE,
    DATES,
    DOCUMENT,
    DOWNLOADS,
    EVERYWHERE,
    JSON,
    LISTS,
    MAP,
    PLAN,
    PREVIEW,
    PROFILES,
    RESULTS,
    AppCommand,
)

DOWNLOADING: tuple[AppCommand, ...] = (
    AppCommand(
        "downloads.pause",
        "space",
        "pause_or_resume",
        "pause/resume",
        "Pause or resume the transfer, or those that are marked",
        DOWNLOADS,
        1,
    ),
    AppCommand(
        "downloads.retry", "r", "retry", "retry", "Try again what failed or was cancelled", DOWNLOADS, 2
    ),
    AppCommand(
        "downloads.cancel",
        "x",
        "cancel",
        "cancel",
        "Cancel the transfer, after a question",
        DOWNLOADS,
        3,
    ),
    AppCommand(
        "downloads.details", "enter", "details", "details", "Show all about the transfer", DOWNLOADS, 4
    ),
    AppCommand("downloads.log", "l", "log", "log", "Show what happened to the transfer so far", DOWNLOADS, 6),
    AppCommand(
        "downloads.all",
        "P",
        "toggle_all",
        "pause all",
        "Pause or resume all transfers, of a filter those it shows",
        DOWNLOADS,
        5,
    ),
    AppCommand(
        "downloads.filter", "slash", "filter", "filter", "Filter by name, collection and state", DOWNLOADS, 7
    ),
    AppCommand(
        "downloads.group", "f", "group", "by state", "Show one state: running, failed, done…", DOWNLOADS, 8
    ),
    AppCommand(
        "downloads.sort",
        "s",
        "sort",
        "sort",
        "Sort by name, state, size, progress or speed, or as queued",
        DOWNLOADS,
        8,
    ),
    AppCommand(
        "downloads.mark", "m", "mark", "mark", "Mark the transfer, to act on several at once", DOWNLOADS, 9
    ),
    AppCommand(
        "downloads.mark_all", "A", "mark_all", "mark all", "Mark all that is shown, or none", DOWNLOADS
    ),
    AppCommand(
        "downloads.limits",
        "L",
        "limits",
        "limits",
        "Change speed limit, transfers at a time and connections while they run",
        DOWNLOADS,
        7,
    ),
    AppCommand(
        "downloads.verify",
        "v",
        "verify",
        "verify",
        "Read a finished file again: is it whole? Again to stop that",
        DOWNLOADS,
        6,
    ),
    AppCommand(
        "downloads.unpack",
        "u",
        "unpack",
        "unpack",
        "Unpack a finished archive; again to stop that",
        DOWNLOADS,
        5,
    ),
    AppCommand(
        "downloads.clear",
        "c",
        "clear",
        "clear finished",
        "Clear finished transfers, of a filter those it shows",
        DOWNLOADS,
        8,
    ),
    AppCommand("downloads.undo", "U", "undo_clear", "undo clear", "Undo the clearing, for 10 s", DOWNLOADS),
    AppCommand(
        "downloads.down", "J", "move(1)", "later", "Move the transfer down in the queue", DOWNLOADS, 9
    ),
    AppCommand("downloads.up", "K", "move(-1)", "sooner", "Move the transfer up in the queue", DOWNLOADS, 10),
    AppCommand("downloads.copy", "y", "copy_path", "copy path", "Copy the path of the file", DOWNLOADS, 11),
)


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
        "Toggle the favourite under the cursor",
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
    AppCommand("map.closer", "plus,equals_sign", "zoom(1)", "closer", "Zoom in", MAP, palette=False),
    AppCommand("map.farther", "minus", "zoom(-1)", "farther", "Zoom out", MAP, palette=False),
    AppCommand("map.fit", "f", "fit", "fit", "Zoom to all that is on the map", MAP, palette=False),
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
        "dates.range", "b,space", "range", "range", "Start or end a range of time", DATES, palette=False
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
        "Download the image",
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


COMMANDS: tuple[AppCommand, ...] = (
    AppCommand(
        "app.browse", "1", "go('browse')", "Browse", "Browse datasets, collections and items", EVERYWHERE
    ),
    AppCommand("app.downloads", "2", "go('downloads')", "Downloads", "See the download queue", EVERYWHERE),
    AppCommand(
        "app.profiles",
        "3",
        "go('profiles')",
        "Profiles",
        "Choose, add or edit a profile or source",
        EVERYWHERE,
    ),
    AppCommand(
        "app.open",
        "O",
        "open_source",
        "Open",
        "Open a URL or path: an API, a catalog, an archive",
        EVERYWHERE,
    ),
    AppCommand(
        "app.settings", "comma", "settings", "Settings", "Change the settings (config.toml)", EVERYWHERE
    ),
    AppCommand("app.messages", "exclamation_mark", "messages", "Messages", "Message history", EVERYWHERE),
    AppCommand("app.help", "question_mark,f1", "help", "help", "Show all keys", EVERYWHERE, 98),
    AppCommand("app.palette", "ctrl+p,colon", "command_palette", "Commands", "Find any command", EVERYWHERE),
    *TRAVELLING,
    AppCommand(
        "app.back", "escape", "back", "back", "Go back, or clear the filter", EVERYWHERE, palette=False
    ),
    AppCommand(
        "app.redraw",
        "ctrl+l",
        "redraw",
        "Redraw",
        "Redraw screen",
        EVERYWHERE,
    ),
    AppCommand(
        "app.suspend", "ctrl+z", "suspend_process", "Suspend", "Suspend to the shell (fg returns)", EVERYWHERE
    ),
    AppCommand("app.quit", "q", "leave", "quit", "Quit; downloads resume on next start", EVERYWHERE, 99),
    # Browse
    AppCommand(
        "browse.open",
        "enter",
        "open",
        "open",
        "Open a collection, item or model; expand anything else",
        BROWSE,
        1,
    ),
    AppCommand(
        "browse.expand", "l,right", "expand", "expand", "Expand the node, or go to its first child", BROWSE
    ),
    AppCommand(
        "browse.collapse", "h,left", "collapse", "collapse", "Collapse the node, or go to its parent", BROWSE
    ),
    *FINDING,
    AppCommand(
        "browse.download",
        "d",
        "download",
        "download",
        "Download archives of MLHub collections, or choose assets to download",
        BROWSE,
        3,
    ),
    AppCommand(
        "browse.plan",
        "D",
        "plan",
        "plan",
        "Choose collections, asset keys, area and time of a dataset to download",
        BROWSE,
        4,
    ),
    AppCommand(
        "browse.mark",
        "space",
        "mark",
        "select",
        "Select the collection or item, to download several at once",
        BROWSE,
        6,
    ),
    AppCommand(
        "browse.search", "s", "search", "search", "Search for items, here or in the whole source", BROWSE, 4
    ),
    AppCommand("browse.saved", "S", "saved", "saved searches", "Run or forget a saved search", BROWSE),
    AppCommand(
        "browse.export",
        "e",
        "export",
        "export",
        "Write the items of the selection or the collection, or a document, to a file",
        BROWSE,
        9,
    ),
    AppCommand(
        "browse.map", "m", "map", "map", "Show on a map where it is; again for its items and dates", BROWSE, 9
    ),
    AppCommand(
        "browse.preview", "p", "preview", "preview", "Show what it looks like: an image of it", BROWSE, 10
    ),
    AppCommand("browse.items", "i", "items", "items", "Show the items of the collection", BROWSE, 5),
    AppCommand(
        "browse.detail", "tab", "focus_detail", "detail", "Scroll the detail; again to come back", BROWSE, 7
    ),
    AppCommand("browse.reload", "r", "reload", "reload", "Load the listing again", BROWSE, 8),
    AppCommand("browse.copy", "y", "copy_id", "copy id", "Copy the id under the cursor", BROWSE, 9),
    AppCommand("browse.cite", "Y", "copy_citation", "copy citation", "Copy the citation", BROWSE),
    AppCommand("browse.bibtex", "B", "copy_bibtex", "copy BibTeX", "Copy its entry for BibTeX", BROWSE),
    AppCommand(
        "browse.page",
        "o",
        "open_page",
        "open page",
        "Show and copy the page's URL; open it outside SSH",
        BROWSE,
    ),
    # Collection, item, model
    AppCommand(
        "document.next",
        "right_square_bracket,tab",
        "next_pane(1)",
        "next pane",
        "Show the next pane",
        DOCUMENT,
        2,
    ),
    AppCommand(
        "document.previous",
        "left_square_bracket,shift+tab",
        "next_pane(-1)",
        "previous pane",
        "Show the previous pane",
        DOCUMENT,
    ),
    AppCommand("document.overview", "v", "pane('overview')", "overview", "Show all metadata", DOCUMENT),
    AppCommand("document.items", "i", "pane('items')", "items", "Show the items", DOCUMENT, 4),
    AppCommand("document.assets", "a", "pane('assets')", "assets", "Show the assets", DOCUMENT, 5),
    AppCommand("document.map", "m", "pane('map')", "map", "Show where and when it is", DOCUMENT, 6),
    AppCommand("document.json", "J", "pane('json')", "JSON", "Show the JSON as received", DOCUMENT, 6),
    AppCommand(
        "document.download",
        "d",
        "download",
        "download",
        "Download the archive, or choose assets",
        DOCUMENT,
        3,
    ),
    AppCommand(
        "document.plan", "D", "plan", "plan", "Choose asset keys, area and time to download", DOCUMENT, 10
    ),
    AppCommand("document.preview", "p", "preview", "preview", "Show an image of its assets", DOCUMENT, 7),
    AppCommand(
        "document.mark", "space", "mark", "select", "Select the item, to download several", DOCUMENT, 10
    ),
    AppCommand("document.sort", "z", "sort", "sort", "Sort the items by the next column", DOCUMENT, 10),
    AppCommand("document.search", "s", "search", "search", "Search for items in the collection", DOCUMENT, 9),
    AppCommand(
        "document.export",
        "e",
        "export",
        "export",
        "Write the document, or its items, to a file",
        DOCUMENT,
        10,
    ),
    AppCommand("document.reload", "r", "reload", "reload", "Load again", DOCUMENT, 8),
    AppCommand("document.copy", "y", "copy_id", "copy id", "Copy the id", DOCUMENT, 9),
    AppCommand("document.cite", "Y", "copy_citation", "copy citation", "Copy the citation", DOCUMENT, 7),
    AppCommand(
        "document.bibtex", "B", "copy_bibtex", "copy BibTeX", "Copy its entry for BibTeX", DOCUMENT, 8
    ),
    AppCommand(
        "document.page",
        "o",
        "open_page",
        "open page",
        "Show and copy the page's URL; open it outside SSH",
        DOCUMENT,
    ),
    # The results of a search
    AppCommand("results.open", "enter", "open", "open", "Open the item", RESULTS, 1),
    AppCommand("results.filter", "slash", "filter", "filter", "Filter what is loaded by id", RESULTS, 4),
    AppCommand("results.mark", "space", "mark", "select", "Select the item", RESULTS, 5),
    AppCommand(
        "results.all",
        "A",
        "mark_all",
        "select all",
        "Select all that is loaded and shown, or nothing",
        RESULTS,
    ),
    AppCommand(
        "results.download",
        "d",
        "download",
        "download",
        "Choose assets of the selection, the item or all that is found",
        RESULTS,
        2,
    ),
    AppCommand(
        "results.export",
        "e",
        "export",
        "export",
        "Write the selection, what is loaded or all that is found to a file",
        RESULTS,
        3,
    ),
    AppCommand("results.sort", "z", "sort", "sort", "Sort the items by the next column", RESULTS, 10),
    AppCommand("results.search", "s", "search", "change", "Change the search", RESULTS, 6),
    AppCommand("results.save", "S", "save", "save", "Save the search and its count under a name", RESULTS, 7),
    AppCommand(
        "results.again",
        "r",
        "again",
        "again",
        "Retry, continue or repeat the search",
        RESULTS,
        8,
    ),
    AppCommand("results.map", "m", "map", "map", "Show the items on a map, with their dates", RESULTS, 9),
    AppCommand("results.preview", "p", "preview", "preview", "Show an image of the item", RESULTS, 9),
    AppCommand("results.copy", "y", "copy_id", "copy id", "Copy the id", RESULTS),
    # The plan of a download
    AppCommand("plan.queue", "enter", "queue", "download", "Queue what is selected", PLAN, 1),
    AppCommand(
        "plan.tick", "space", "tick", "tick", "Tick the collection or asset key, or untick it", PLAN, 2
    ),
    AppCommand("plan.all", "a", "all", "all or none", "Tick everything, or nothing", PLAN, 5),
    AppCommand("plan.key", "A", "key", "key everywhere", "Tick the asset key in all collections", PLAN, 6),
    AppCommand(
        "plan.area",
        "b,slash",
        "type('area')",
        "area",
        "Type or paste an area: a box, GeoJSON, a file",
        PLAN,
        3,
    ),
    AppCommand("plan.time", "t", "type('time')", "time", "Type a time: a day, a month, an interval", PLAN, 4),
    AppCommand(
        "plan.pictures",
        "m",
        "pictures",
        "map",
        "Show map and dates of the selection, or the tree again",
        PLAN,
        7,
    ),
    AppCommand(
        "plan.again", "r", "again", "try again", "Continue reading the catalog after a failure", PLAN, 8
    ),
    *DOWNLOADING,
    # Profiles
    AppCommand("profiles.use", "enter", "use", "use", "Use the profile or source", PROFILES, 1),
    AppCommand("profiles.open", "o", "look", "open", "Open or add what is at a URL or path", PROFILES, 2),
    AppCommand("profiles.new", "n", "new", "add", "Save the source as a profile, or add one", PROFILES, 3),
    AppCommand("profiles.edit", "e", "edit", "edit", "Edit the profile", PROFILES, 4),
    AppCommand("profiles.delete", "x", "delete", "delete", "Delete the profile", PROFILES, 6),
    AppCommand(
        "profiles.test",
        "t",
        "test",
        "test",
        "Test whether the source accepts the key",
        PROFILES,
        5,
    ),
    AppCommand(
        "profiles.sample", "s", "sample", "sample", "Try the sample catalog, no key needed", PROFILES, 7
    ),
    AppCommand(
        "profiles.anonymous", "a", "anonymous", "no key", "Browse an MLHub API without a key", PROFILES, 8
    ),
    *MOVES,
)
