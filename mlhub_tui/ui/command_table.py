"""The table of commands: what is done on each of the screens."""

from __future__ import annotations

from .command import BROWSE, DOCUMENT, EVERYWHERE, PLAN, PROFILES, RESULTS, AppCommand
from .command_downloads import DOWNLOADING
from .command_finding import FINDING, TRAVELLING
from .command_moves import MOVES

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
    AppCommand(
        "app.messages", "exclamation_mark", "messages", "Messages", "Read again what was said", EVERYWHERE
    ),
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
        "Draw the screen anew, where something wrote on it",
        EVERYWHERE,
    ),
    AppCommand(
        "app.suspend", "ctrl+z", "suspend_process", "Suspend", "Suspend to the shell (fg returns)", EVERYWHERE
    ),
    AppCommand(
        "app.quit", "q", "leave", "quit", "Quit; unfinished downloads go on at the next start", EVERYWHERE, 99
    ),
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
    AppCommand("results.search", "s", "search", "change", "Change the search", RESULTS, 6),
    AppCommand("results.save", "S", "save", "save", "Save the search and its count under a name", RESULTS, 7),
    AppCommand(
        "results.again",
        "r",
        "again",
        "again",
        "Ask again for a page that failed, go on, or search anew",
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
    AppCommand("plan.again", "r", "again", "try again", "Go on reading the catalog after a failure", PLAN, 8),
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
        "Ask the source whether it answers and takes the key",
        PROFILES,
        5,
    ),
    AppCommand(
        "profiles.sample", "s", "sample", "sample", "Try the sample catalogue, no key needed", PROFILES, 7
    ),
    AppCommand(
        "profiles.anonymous", "a", "anonymous", "no key", "Browse an MLHub API without a key", PROFILES, 8
    ),
    *MOVES,
)
