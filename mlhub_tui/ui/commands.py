"""The table of commands: the one source of keys, footer, palette, help and the manual's key reference.

A letter has one meaning on every screen (a test has the list of them).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from textual.binding import Binding, BindingType
from textual.keys import format_key

from .terminal.terminal_app import running_app

EVERYWHERE, BROWSE, DOCUMENT, RESULTS, PLAN = "Everywhere", "Browse", "Collection", "Results", "Plan"
DOWNLOADS, PROFILES, LIBRARY, SHEET = "Downloads", "Profiles", "Library", "Contact sheet"
LISTS, MAP, DATES, PREVIEW = "Lists", "Map", "Dates", "Preview"
JSON, FILTER, FIELD = "JSON", "Filter", "Fields"
_SCREENS = (EVERYWHERE, BROWSE, DOCUMENT, RESULTS, PLAN, DOWNLOADS, PROFILES, LIBRARY, SHEET)
_PANES = (LISTS, MAP, DATES, PREVIEW, JSON, FILTER, FIELD)
_ALWAYS = 90
"""Rank in the footer from which on a hint stays however little room there is."""


@dataclass(frozen=True, slots=True)
class AppCommand:
    """One command.

    - `id`: Stable name, by which a key can be changed.
    - `keys`, `action`: Textual key names, comma-separated, and the action on what `where` names.
    - `title`, `help`: One or two words for the footer; verb and object, for help, palette and manual.
    - `where`: The screen or widget it belongs to.
    - `hint`: Rank in the footer: lower comes first and stays longer when room is scarce; 0 is not shown.
    """

    id: str
    keys: str
    action: str
    title: str
    help: str
    where: str
    hint: int = 0

    @property
    def palette(self) -> bool:
        """Whether it is more than a move of the cursor."""
        return self.where not in _PANES and self.id != "app.back"

    @property
    def key(self) -> str:
        """The first key as people write it."""
        return show_key(self.keys_in_use.split(",")[0])

    @property
    def all_keys(self) -> str:
        """All keys as people write them."""
        return " ".join(show_key(key) for key in self.keys_in_use.split(","))

    @property
    def keys_in_use(self) -> str:
        """The keys as they are set in the app that runs; without one, its own."""
        changed: Mapping[str, str] = getattr(running_app(), "keys_in_use", {})
        return changed.get(self.id, self.keys)


def _commands(where: str, prefix: str, *rows: tuple[str | int, ...]) -> list[AppCommand]:
    """Return the commands of a place; a row is id, keys, action, title, help and rank in the footer."""
    return [
        AppCommand(f"{prefix}.{name}", keys, action, title, words, where, *rank)
        for name, keys, action, title, words, *rank in cast("Any", rows)
    ]


COMMANDS: tuple[AppCommand, ...] = (
    *_commands(
        EVERYWHERE,
        "app",
        ("browse", "1", "go('browse')", "Browse", "Browse datasets, collections and items"),
        ("downloads", "2", "go('downloads')", "Downloads", "Show the download queue"),
        ("profiles", "3", "go('profiles')", "Profiles", "Choose, add or edit a source"),
        ("library", "4", "go('library')", "Library", "Show what was downloaded to this disk"),
        ("open", "o", "open_source", "open source", "Open a URL or path: API, catalog, archive", 60),
        ("find", "S", "find", "find", "Find in all sources"),
        ("settings", "comma", "settings", "Settings", "Change the settings (config.toml)"),
        ("messages", "exclamation_mark", "messages", "Messages", "Message history"),
        ("help", "question_mark", "help", "help", "Show all keys", 98),
        ("manual", "f1", "manual", "Manual", "Read the manual"),
        ("palette", "ctrl+p,colon", "command_palette", "Commands", "Find any command"),
        ("earlier", "ctrl+o", "travel(-1)", "back", "Go back in the history"),
        ("later", "ctrl+y", "travel(1)", "forward", "Go forward in the history"),
        ("back", "escape", "back", "back", "Go back, or clear the filter"),
        ("redraw", "ctrl+l", "redraw", "Redraw", "Redraw screen"),
        ("suspend", "ctrl+z", "suspend_process", "Suspend", "Suspend to the shell (fg returns)"),
        ("quit", "q", "leave", "quit", "Quit; downloads resume on next start", 99),
    ),
    *_commands(
        BROWSE,
        "browse",
        ("open", "enter", "open", "open", "Open the document, or expand the node", 1),
        ("expand", "l,right", "expand", "expand", "Expand, or go to the first child"),
        ("collapse", "h,left", "collapse", "collapse", "Collapse, or go to the parent"),
        ("filter", "slash", "filter", "filter", "Filter by id, title, tag, keyword or DOI", 2),
        ("facets", "f", "facets", "facets", "Narrow by tag, type or licence", 6),
        ("next", "n", "next_match(1)", "next match", "Go to the next match"),
        ("previous", "N", "next_match(-1)", "previous match", "Go to the previous match"),
        ("goto", "ctrl+g", "goto", "go to", "Go to an id, a DOI or a URL", 8),
        ("favourite", "asterisk", "favourite", "favourite", "Toggle favourite", 9),
        ("favourites", "F", "favourites", "favourites", "List favourites"),
        ("sort", "z", "sort", "sort", "Sort: as listed, title, id, newest", 9),
        ("download", "d", "download", "download", "Download archives or assets", 3),
        ("plan", "D", "plan", "plan", "Plan the download of a dataset", 4),
        ("mark", "space", "mark", "select", "Select the collection or item", 6),
        ("search", "s", "search", "search", "Search for items", 4),
        ("saved", "ctrl+s", "saved", "saved searches", "List saved searches"),
        ("export", "e", "export", "export", "Export items or the document to a file", 9),
        ("map", "m", "map", "map", "Show on a map; again: items and dates", 9),
        ("preview", "p", "preview", "preview", "Preview image", 10),
        ("items", "i", "items", "items", "Show the items of the collection", 5),
        ("assets", "a", "pane('assets')", "assets", "Show the assets"),
        ("json", "J", "pane('json')", "JSON", "Show the JSON as received"),
        ("detail", "tab", "focus_detail", "detail", "Scroll the detail; again: back to the tree", 7),
        ("narrower", "less_than_sign", "split(-1)", "split left", "Move the split left: narrower tree"),
        ("wider", "greater_than_sign", "split(1)", "split right", "Move the split right: wider tree"),
        ("zoom", "Z", "zoom", "zoom", "Zoom the pane in use, or show both"),
        ("reload", "r", "reload", "reload", "Reload the listing", 8),
        ("copy", "y", "copy('id')", "copy id", "Copy id", 9),
        ("copy_as", "c", "copy_as", "copy as", "Copy as citation, BibTeX, title or URL", 11),
        ("cite", "Y", "copy('citation')", "copy citation", "Copy citation"),
        ("bibtex", "B", "copy('bibtex')", "copy BibTeX", "Copy BibTeX entry"),
        ("page", "W", "copy('page')", "web page", "Copy the web page's URL; open it outside SSH"),
    ),
    *_commands(
        DOCUMENT,
        "document",
        ("next", "right_square_bracket,tab", "next_pane(1)", "next pane", "Show the next pane", 2),
        ("previous", "left_square_bracket,shift+tab", "next_pane(-1)", "previous pane", "Show previous pane"),
        ("overview", "O", "pane('overview')", "overview", "Show all metadata"),
        ("items", "i", "pane('items')", "items", "Show the items", 4),
        ("assets", "a", "pane('assets')", "assets", "Show the assets", 5),
        ("map", "m", "pane('map')", "map", "Show where and when it is", 6),
        ("json", "J", "pane('json')", "JSON", "Show the JSON as received", 6),
        ("download", "d", "download", "download", "Download what is under the cursor", 3),
        ("plan", "D", "plan", "plan", "Plan the download of the collection", 10),
        ("preview", "p", "preview", "preview", "Preview image", 7),
        ("mark", "space", "mark", "select", "Select the item", 4),
        ("sort", "z", "sort", "sort", "Sort the items by the next column", 10),
        ("columns", "C", "columns", "columns", "Choose the columns of the items", 12),
        ("search", "s", "search", "search", "Search for items in the collection", 9),
        ("export", "e", "export", "export", "Export items or the document to a file", 10),
        ("reload", "r", "reload", "reload", "Reload the document", 8),
        ("copy", "y", "copy('id')", "copy id", "Copy id; of an asset its link", 9),
        ("copy_as", "c", "copy_as", "copy as", "Copy as citation, BibTeX, title or URL", 11),
        ("cite", "Y", "copy('citation')", "copy citation", "Copy citation", 12),
        ("bibtex", "B", "copy('bibtex')", "copy BibTeX", "Copy BibTeX entry", 13),
        ("page", "W", "copy('page')", "web page", "Copy the web page's URL; open it outside SSH"),
    ),
    *_commands(
        RESULTS,
        "results",
        ("open", "enter", "open", "open", "Open the item", 1),
        ("filter", "slash", "filter", "filter", "Filter loaded items by id", 4),
        ("mark", "space", "mark", "select", "Select the item", 5),
        ("all", "A", "mark_all", "select all", "Select all loaded items, or none"),
        ("download", "d", "download", "download", "Download the selection or the item", 2),
        ("export", "e", "export", "export", "Export items to a file", 3),
        ("sort", "z", "sort", "sort", "Sort the items by the next column", 10),
        ("columns", "C", "columns", "columns", "Choose the columns of the items", 12),
        ("search", "s", "search", "change", "Change the search", 6),
        ("save", "ctrl+s", "save", "save", "Save the search under a name", 7),
        ("again", "r", "again", "again", "Retry, continue or repeat the search", 8),
        ("map", "m", "map", "map", "Show the items on a map", 9),
        ("preview", "p", "preview", "preview", "Preview image", 9),
        ("assets", "a", "pane('assets')", "assets", "Show the assets of the item"),
        ("json", "J", "pane('json')", "JSON", "Show the JSON of the item"),
        ("copy", "y", "copy('id')", "copy id", "Copy id"),
        ("copy_as", "c", "copy_as", "copy as", "Copy as citation, BibTeX, title or URL"),
    ),
    *_commands(
        PLAN,
        "plan",
        ("queue", "d,enter", "queue", "download", "Download what is selected", 1),
        ("tick", "space", "tick", "select", "Select the collection or asset key", 2),
        ("all", "A", "all", "select all", "Select everything, or nothing", 5),
        ("key", "K", "key", "key everywhere", "Select the asset key in all collections", 6),
        ("area", "b,slash", "type('area')", "area", "Enter an area: a box, GeoJSON, a file", 3),
        ("time", "t", "type('time')", "time", "Enter a time: a day, a month, an interval", 4),
        ("pictures", "m", "pictures", "map", "Show map and dates of the selection", 7),
        ("again", "r", "again", "retry", "Resume reading the catalog", 8),
    ),
    *_commands(
        DOWNLOADS,
        "downloads",
        ("pause", "P", "pause_or_resume", "pause/resume", "Pause or resume the transfers selected", 1),
        ("retry", "r", "retry", "retry", "Retry failed or cancelled transfers", 2),
        ("cancel", "x", "cancel", "remove", "Cancel or remove a transfer, after a question", 3),
        ("details", "enter", "details", "details", "Show details of the transfer", 4),
        ("all", "H", "toggle_all", "pause all", "Pause or resume all transfers shown", 5),
        ("unpack", "u", "unpack", "unpack", "Unpack a finished archive, or stop that", 5),
        ("verify", "v", "verify", "verify", "Verify a finished file, or stop that", 6),
        ("log", "L", "log", "log", "Show the log of the transfer", 6),
        ("filter", "slash", "filter", "filter", "Filter by name, collection and state", 7),
        ("limits", "R", "limits", "limits", "Change speed limit and connections", 7),
        ("group", "f", "group", "by state", "Show one state: running, failed, done…", 8),
        ("sort", "z", "sort", "sort", "Sort by name, state, size, progress, speed", 8),
        ("clear", "c", "clear", "clear done", "Clear the transfers that are done", 8),
        ("mark", "space", "mark", "select", "Select the transfer", 9),
        ("mark_all", "A", "mark_all", "select all", "Select all transfers shown, or none"),
        ("undo", "U", "undo_clear", "undo clear", "Undo the clearing, for 10 s"),
        ("down", "shift+down", "move(1)", "later", "Move the transfer down in the queue", 10),
        ("up", "shift+up", "move(-1)", "sooner", "Move the transfer up in the queue", 11),
        ("copy", "y", "copy_path", "copy path", "Copy path", 12),
    ),
    *_commands(
        PROFILES,
        "profiles",
        ("use", "enter", "use", "use", "Use the profile or source", 1),
        ("new", "ctrl+s", "new", "save", "Save the source as a profile, or add one", 3),
        ("edit", "E", "edit", "edit", "Edit the profile", 4),
        ("test", "v", "test", "verify", "Check that the source accepts the key", 5),
        ("delete", "x", "delete", "delete", "Delete the profile", 6),
    ),
    *_commands(
        LIBRARY,
        "library",
        ("open", "enter", "open", "open", "Open it in Browse, from this disk if possible", 1),
        ("verify", "v", "verify", "verify", "Verify all of its files, or stop that", 2),
        ("copy", "y", "copy_path", "copy path", "Copy path", 3),
        ("filter", "slash", "filter", "filter", "Filter by name, source, state and licence", 4),
        ("sort", "z", "sort", "sort", "Sort by date, name, size, state", 5),
        ("reload", "r", "reload", "reload", "Read the folder again", 6),
    ),
    *_commands(
        SHEET,
        "sheet",
        ("open", "enter", "open", "open", "Open the item", 1),
        ("mark", "space", "mark", "select", "Select the item", 2),
        ("download", "d", "download", "download", "Download the selection or the item", 3),
        ("preview", "p", "preview", "preview", "Preview image", 4),
        ("larger", "plus,equals_sign", "size(1)", "larger", "Show larger images", 5),
        ("smaller", "minus", "size(-1)", "smaller", "Show smaller images", 6),
        ("reload", "r", "reload", "reload", "Fetch the images, or retry those that failed", 7),
        ("copy", "y", "copy('id')", "copy id", "Copy id", 8),
        ("left", "h,left", "step(-1, 0)", "left", "Go to the item on the left"),
        ("right", "l,right", "step(1, 0)", "right", "Go to the item on the right"),
    ),
    *_commands(
        LISTS,
        "list",
        ("down", "j,down", "cursor_down", "down", "Go down"),
        ("up", "k,up", "cursor_up", "up", "Go up"),
        ("top", "g,home", "top", "top", "Go to the top"),
        ("bottom", "G,end", "bottom", "bottom", "Go to the bottom"),
        ("page_down", "ctrl+d,pagedown", "page_down", "page down", "Go a page down"),
        ("page_up", "ctrl+u,pageup", "page_up", "page up", "Go a page up"),
    ),
    *_commands(
        MAP,
        "map",
        ("left", "h,left", "pan(-1, 0)", "west", "Move to the west"),
        ("down", "j,down", "pan(0, 1)", "south", "Move to the south"),
        ("up", "k,up", "pan(0, -1)", "north", "Move to the north"),
        ("right", "l,right", "pan(1, 0)", "east", "Move to the east"),
        ("closer", "plus,equals_sign", "zoom(1)", "zoom in", "Zoom in", 2),
        ("farther", "minus", "zoom(-1)", "zoom out", "Zoom out", 3),
        ("fit", "home", "fit", "fit", "Zoom to all that is on the map", 7),
        ("world", "0", "world", "world", "Show the whole world", 8),
        ("next", "n", "step(1)", "next", "Go to the next footprint", 4),
        ("previous", "N", "step(-1)", "previous", "Go to the previous footprint"),
        ("open", "enter", "take", "open", "Open the footprint, or take the box", 1),
        ("box", "b", "box", "box", "Choose a box to search in", 5),
        ("dates", "t", "other", "dates", "Go to the histogram of dates, or back", 6),
        ("corner", "space", "corner", "corner", "Move the box's other corner"),
    ),
    *_commands(
        DATES,
        "dates",
        ("left", "h,left", "cursor(-1)", "earlier", "Go to an earlier time", 3),
        ("right", "l,right", "cursor(1)", "later", "Go to a later time", 4),
        ("first", "g,home", "cursor_to(0)", "first", "Go to the first time"),
        ("last", "G,end", "cursor_to(-1)", "last", "Go to the last time"),
        ("range", "b,space", "range", "range", "Start or end a range of time", 2),
        ("take", "enter", "take", "filter", "Filter by the range of time", 1),
    ),
    *_commands(
        PREVIEW,
        "preview",
        ("next", "n,right", "image(1)", "next", "Show the next image of the item"),
        ("previous", "N,left", "image(-1)", "previous", "Show the previous image of the item"),
        ("down", "j,down", "document(1)", "next item", "Show the next item"),
        ("up", "k,up", "document(-1)", "previous item", "Show the previous item"),
        ("fetch", "enter", "fetch", "fetch", "Download the image"),
    ),
    *_commands(
        JSON,
        "json",
        ("toggle", "enter", "select_cursor", "fold", "Fold or unfold", 1),
        ("unfold", "l,right", "unfold", "unfold", "Unfold, or go into it"),
        ("fold", "h,left", "fold", "fold", "Fold, or go to what it is in"),
        ("unfold_all", "plus,equals_sign", "unfold_all", "unfold all", "Unfold all", 5),
        ("fold_all", "minus", "fold_all", "fold all", "Fold all", 6),
        ("find", "slash", "find", "find", "Search names and values", 2),
        ("next", "n", "step(1)", "next", "Go to the next match"),
        ("previous", "N", "step(-1)", "previous", "Go to the previous match"),
        ("copy", "y", "copy_value", "copy value", "Copy the value", 3),
        ("path", "c", "copy_path", "copy path", "Copy as JSONPath: where the value is", 4),
    ),
    *_commands(
        FIELD,
        "field",
        ("next", "enter", "app.focus_next", "next field", "Apply the field and go to the next one", 1),
        ("leave", "escape", "leave", "to the list", "Apply the field and go back to the list", 2),
    ),
    *_commands(
        FILTER,
        "filter",
        ("keep", "enter", "close(True)", "apply", "Apply the filter", 1),
        ("list", "down", "close(True)", "to the list", "Apply the filter and go to the list", 3),
        ("clear", "escape", "close(False)", "clear", "Clear the filter", 2),
    ),
)

BY_ID = {command.id: command for command in COMMANDS}


def command(identity: str | None) -> AppCommand | None:
    """Return a command by its id; None where there is none of it."""
    return BY_ID.get(identity or "")


def of(*places: str) -> list[AppCommand]:
    """Return the commands of some places, in order."""
    return [command for place in places for command in COMMANDS if command.where == place]


# Bindings

LINE_ACTIONS = {"list.top": "cursor_to(0)", "list.bottom": "cursor_to(-1)"}
SCROLL_ACTIONS = {
    "list.down": "scroll_down",
    "list.up": "scroll_up",
    "list.top": "scroll_home",
    "list.bottom": "scroll_end",
}
_BEFORE_ALL = {"app.redraw", "app.suspend"}  # dialogs do not shut them out


def bindings(place: str, actions: Mapping[str, str] | None = None) -> list[BindingType]:
    """Return the key bindings of a place; `actions` has a widget's own by command id."""
    return [
        Binding(
            c.keys,
            (actions or {}).get(c.id, c.action),
            c.title,
            show=False,
            id=c.id,
            key_display=c.key,
            priority=c.id in _BEFORE_ALL,
        )
        for c in of(place)
    ]


_KEY_NAMES = {"shift+up": "⇧↑", "shift+down": "⇧↓"} | {key: key for key in ("enter", "delete", "backspace")}
"""Names other than Textual's."""


def show_key(key: str) -> str:
    """Return a Textual key name as people write it: `slash` is `/`."""
    return _KEY_NAMES.get(key) or format_key(key)


def elsewhere(key: str) -> str:
    """Return where a key does something, to show where it does nothing; empty for nowhere."""
    found = [one for one in of(*_SCREENS, MAP, DATES, JSON) if key in one.keys_in_use.split(",")]
    places = [*dict.fromkeys(one.where for one in found)]
    words = f"it works in {', '.join(places)}" if len(places) < 4 else "? shows the keys that do"
    return f"{show_key(key)} ({found[0].title}) does nothing here; {words}." if found else ""


# The footer


def hints(places: Sequence[str], without: Iterable[str] = ()) -> list[AppCommand]:
    """Return the commands for the footer: of the pane with the focus, of its screen, help and quit last.

    - `places`: The innermost first. A key that a pane takes is not shown for what is around it.
    - `without`: Ids of commands that cannot act now.
    """
    hidden, taken = frozenset(without), set[str]()
    shown: list[AppCommand] = []
    for place in (*places, EVERYWHERE):
        there = of(place)
        fit = [c for c in there if c.hint and c.id not in hidden and not taken & set(c.keys.split(","))]
        shown += sorted(fit, key=lambda c: c.hint)
        taken |= {key for c in there for key in c.keys.split(",")}
    return shown


def called(**titles: str) -> list[AppCommand]:
    """Return commands under what they do in a mode of a pane, for the footer; `map_open` is `map.open`."""
    named = {identity.replace("_", ".", 1): title for identity, title in titles.items()}
    return [replace(BY_ID[identity], title=title, hint=1) for identity, title in named.items()]


def fitting(commands: Sequence[AppCommand], width: int) -> list[AppCommand]:
    """Return those that fit `width` cells beside each other; help and quit always stay."""
    shown: list[AppCommand] = []
    for one in sorted(commands, key=lambda command: command.hint < _ALWAYS):
        width -= (cells := len(one.key) + len(one.title) + 3)
        if one.hint >= _ALWAYS or width >= 0:
            shown.append(one)
        else:
            width += cells
    return sorted(shown, key=lambda command: command.hint >= _ALWAYS)


def key_table() -> str:
    """Return the key reference of the manual, in Markdown."""
    rows = ["| where | key | what it does |", "| --- | --- | --- |"]
    for one in of(*_SCREENS, *_PANES):
        keys = " ".join(f"`{show_key(key)}`" for key in one.keys.split(","))
        rows.append(f"| {one.where} | {keys} | {one.help} |")
    return "\n".join(rows)
