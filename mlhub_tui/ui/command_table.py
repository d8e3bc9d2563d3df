"""The table of commands: what is done on each of the screens."""

from __future__ import annotations

from .command import BROWSE, DOCUMENT, EVERYWHERE, PLAN, PROFILES, RESULTS, Command
from .command_downloads import DOWNLOADING
from .command_finding import FINDING, TRAVELLING
from .command_moves import MOVES

COMMANDS: tuple[Command, ...] = (
    Command(
        "app.browse", "1", "go('browse')", "Browse", "Browse datasets, collections and items", EVERYWHERE
    ),
    Command("app.downloads", "2", "go('downloads')", "Downloads", "See the download queue", EVERYWHERE),
    Command(
        "app.profiles",
        "3",
        "go('profiles')",
        "Profiles",
        "Choose, add or edit a profile or source",
        EVERYWHERE,
    ),
    Command(
        "app.open",
        "O",
        "open_source",
        "Open",
        "Open a URL or path: an API, a catalog, an archive",
        EVERYWHERE,
    ),
    Command("app.settings", "comma", "settings", "Settings", "Change the settings (config.toml)", EVERYWHERE),
    Command(
        "app.messages", "exclamation_mark", "messages", "Messages", "Read again what was said", EVERYWHERE
    ),
    Command("app.help", "question_mark,f1", "help", "help", "Show all keys", EVERYWHERE, 98),
    Command("app.palette", "ctrl+p,colon", "command_palette", "Commands", "Find any command", EVERYWHERE),
    *TRAVELLING,
    Command("app.back", "escape", "back", "back", "Go back, or clear the filter", EVERYWHERE, palette=False),
    Command(
        "app.redraw",
        "ctrl+l",
        "redraw",
        "Redraw",
        "Draw the screen anew, where something wrote on it",
        EVERYWHERE,
    ),
    Command(
        "app.suspend", "ctrl+z", "suspend_process", "Suspend", "Suspend to the shell (fg returns)", EVERYWHERE
    ),
    Command(
        "app.quit", "q", "leave", "quit", "Quit; unfinished downloads go on at the next start", EVERYWHERE, 99
    ),
    # Browse
    Command(
        "browse.open",
        "enter",
        "open",
        "open",
        "Open a collection, item or model; expand anything else",
        BROWSE,
        1,
    ),
    Command(
        "browse.expand", "l,right", "expand", "expand", "Expand the node, or go to its first child", BROWSE
    ),
    Command(
        "browse.collapse", "h,left", "collapse", "collapse", "Collapse the node, or go to its parent", BROWSE
    ),
    *FINDING,
    Command(
        "browse.download",
        "d",
        "download",
        "download",
        "Download archives of MLHub collections, or choose assets to download",
        BROWSE,
        3,
    ),
    Command(
        "browse.plan",
        "D",
        "plan",
        "plan",
        "Choose collections, asset keys, area and time of a dataset to download",
        BROWSE,
        4,
    ),
    Command(
        "browse.mark",
        "space",
        "mark",
        "select",
        "Select the collection or item, to download several at once",
        BROWSE,
        6,
    ),
    Command(
        "browse.search", "s", "search", "search", "Search for items, here or in the whole source", BROWSE, 4
    ),
    Command("browse.saved", "S", "saved", "saved searches", "Run or forget a saved search", BROWSE),
    Command(
        "browse.export",
        "e",
        "export",
        "export",
        "Write the items of the selection or the collection, or a document, to a file",
        BROWSE,
        9,
    ),
    Command(
        "browse.map", "m", "map", "map", "Show on a map where it is; again for its items and dates", BROWSE, 9
    ),
    Command(
        "browse.preview", "p", "preview", "preview", "Show what it looks like: an image of it", BROWSE, 10
    ),
    Command("browse.items", "i", "items", "items", "Show the items of the collection", BROWSE, 5),
    Command(
        "browse.detail", "tab", "focus_detail", "detail", "Scroll the detail; again to come back", BROWSE, 7
    ),
    Command("browse.reload", "r", "reload", "reload", "Load the listing again", BROWSE, 8),
    Command("browse.copy", "y", "copy_id", "copy id", "Copy the id under the cursor", BROWSE, 9),
    Command("browse.cite", "Y", "copy_citation", "copy citation", "Copy the citation", BROWSE),
    Command("browse.bibtex", "B", "copy_bibtex", "copy BibTeX", "Copy its entry for BibTeX", BROWSE),
    Command(
        "browse.page",
        "o",
        "open_page",
        "open page",
        "Show and copy the page's URL; open it outside SSH",
        BROWSE,
    ),
    # Collection, item, model
    Command(
        "document.next",
        "right_square_bracket,tab",
        "next_pane(1)",
        "next pane",
        "Show the next pane",
        DOCUMENT,
        2,
    ),
    Command(
        "document.previous",
        "left_square_bracket,shift+tab",
        "next_pane(-1)",
        "previous pane",
        "Show the previous pane",
        DOCUMENT,
    ),
    Command("document.overview", "v", "pane('overview')", "overview", "Show all metadata", DOCUMENT),
    Command("document.items", "i", "pane('items')", "items", "Show the items", DOCUMENT, 4),
    Command("document.assets", "a", "pane('assets')", "assets", "Show the assets", DOCUMENT, 5),
    Command("document.map", "m", "pane('map')", "map", "Show where and when it is", DOCUMENT, 6),
    Command("document.json", "J", "pane('json')", "JSON", "Show the JSON as received", DOCUMENT, 6),
    Command(
        "document.download",
        "d",
        "download",
        "download",
        "Download the archive, or choose assets",
        DOCUMENT,
        3,
    ),
    Command(
        "document.plan", "D", "plan", "plan", "Choose asset keys, area and time to download", DOCUMENT, 10
    ),
    Command("document.preview", "p", "preview", "preview", "Show an image of its assets", DOCUMENT, 7),
    Command("document.mark", "space", "mark", "select", "Select the item, to download several", DOCUMENT, 10),
    Command("document.search", "s", "search", "search", "Search for items in the collection", DOCUMENT, 9),
    Command(
        "document.export",
        "e",
        "export",
        "export",
        "Write the document, or its items, to a file",
        DOCUMENT,
        10,
    ),
    Command("document.reload", "r", "reload", "reload", "Load again", DOCUMENT, 8),
    Command("document.copy", "y", "copy_id", "copy id", "Copy the id", DOCUMENT, 9),
    Command("document.cite", "Y", "copy_citation", "copy citation", "Copy the citation", DOCUMENT, 7),
    Command("document.bibtex", "B", "copy_bibtex", "copy BibTeX", "Copy its entry for BibTeX", DOCUMENT, 8),
    Command(
        "document.page",
        "o",
        "open_page",
        "open page",
        "Show and copy the page's URL; open it outside SSH",
        DOCUMENT,
    ),
    # The results of a search
    Command("results.open", "enter", "open", "open", "Open the item", RESULTS, 1),
    Command("results.filter", "slash", "filter", "filter", "Filter what is loaded by id", RESULTS, 4),
    Command("results.mark", "space", "mark", "select", "Select the item", RESULTS, 5),
    Command(
        "results.all",
        "A",
        "mark_all",
        "select all",
        "Select all that is loaded and shown, or nothing",
        RESULTS,
    ),
    Command(
        "results.download",
        "d",
        "download",
        "download",
        "Choose assets of the selection, the item or all that is found",
        RESULTS,
        2,
    ),
    Command(
        "results.export",
        "e",
        "export",
        "export",
        "Write the selection, what is loaded or all that is found to a file",
        RESULTS,
        3,
    ),
    Command("results.search", "s", "search", "change", "Change the search", RESULTS, 6),
    Command("results.save", "S", "save", "save", "Save the search and its count under a name", RESULTS, 7),
    Command(
        "results.again",
        "r",
        "again",
        "again",
        "Ask again for a page that failed, go on, or search anew",
        RESULTS,
        8,
    ),
    Command("results.map", "m", "map", "map", "Show the items on a map, with their dates", RESULTS, 9),
    Command("results.preview", "p", "preview", "preview", "Show an image of the item", RESULTS, 9),
    Command("results.copy", "y", "copy_id", "copy id", "Copy the id", RESULTS),
    # The plan of a download
    Command("plan.queue", "enter", "queue", "download", "Queue what is selected", PLAN, 1),
    Command("plan.tick", "space", "tick", "tick", "Tick the collection or asset key, or untick it", PLAN, 2),
    Command("plan.all", "a", "all", "all or none", "Tick everything, or nothing", PLAN, 5),
    Command("plan.key", "A", "key", "key everywhere", "Tick the asset key in all collections", PLAN, 6),
    Command(
        "plan.area",
        "b,slash",
        "type('area')",
        "area",
        "Type or paste an area: a box, GeoJSON, a file",
        PLAN,
        3,
    ),
    Command("plan.time", "t", "type('time')", "time", "Type a time: a day, a month, an interval", PLAN, 4),
    Command(
        "plan.pictures",
        "m",
        "pictures",
        "map",
        "Show map and dates of the selection, or the tree again",
        PLAN,
        7,
    ),
    Command("plan.again", "r", "again", "try again", "Go on reading the catalog after a failure", PLAN, 8),
    *DOWNLOADING,
    # Profiles
    Command("profiles.use", "enter", "use", "use", "Use the profile or source", PROFILES, 1),
    Command("profiles.open", "o", "look", "open", "Open or add what is at a URL or path", PROFILES, 2),
    Command("profiles.new", "n", "new", "add", "Save the source as a profile, or add one", PROFILES, 3),
    Command("profiles.edit", "e", "edit", "edit", "Edit the profile", PROFILES, 4),
    Command("profiles.delete", "x", "delete", "delete", "Delete the profile", PROFILES, 6),
    Command(
        "profiles.test",
        "t",
        "test",
        "test",
        "Ask the source whether it answers and takes the key",
        PROFILES,
        5,
    ),
    Command(
        "profiles.sample", "s", "sample", "sample", "Try the sample catalogue, no key needed", PROFILES, 7
    ),
    Command(
        "profiles.anonymous", "a", "anonymous", "no key", "Browse an MLHub API without a key", PROFILES, 8
    ),
    *MOVES,
)
