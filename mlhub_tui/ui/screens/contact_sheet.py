"""Contact sheet: the items of a table as thumbnails, of which only those in sight are fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.widgets import Static

from ... import preview_cache
from ...concurrency import together
from ...config import abilities
from ...errors import MLHubException
from ...models import Entry
from ...sources.static.document_loader import LRUCache
from ...text import count, one_line, size
from .. import preview
from ..catalog.loader import Documents
from ..catalog.nodes import TreeEntry
from ..commands import LISTS, SHEET, bindings
from ..preview.image_fetch import Cost, cost, fetch, found, is_tiff, pictures
from ..preview.image_view import GraphicsMode, ImageView, asked, estimate, plainly
from ..terminal.characters import content, fit_name, line
from .place_screen import EntryScreen

if TYPE_CHECKING:
    from ...models import Dataset
    from ..preview.image_decode import Picture
    from ..widgets.item_table import ItemTable

AT_A_TIME = 6
"""Thumbnails that are fetched side by side."""
MOST = 5_000_000
"""Bytes of a thumbnail: a larger image is fetched by its own preview only, which shows its size first."""
SIDE = 320
"""Pixels of the longer side of a thumbnail in memory."""
IN_MEMORY = 24_000_000
WIDTHS = (12, 18, 28, 44)
"""Cells of a thumbnail at each size; a cell is twice as high as wide."""
_MOVES = {
    "list.down": "step(0, 1)",
    "list.up": "step(0, -1)",
    "list.top": "go(0)",
    "list.bottom": "go(-1)",
    "list.page_down": "page(1)",
    "list.page_up": "page(-1)",
}


class Thumbnail(Vertical):
    """A place on the sheet: the image, or why there is none, over the id of its item."""

    DEFAULT_CSS = """
    Thumbnail { padding: 0 1; }
    Thumbnail ImageView { content-align: center middle; text-align: center; color: $muted; }
    Thumbnail #name { height: 1; width: 1fr; color: $muted; }
    Thumbnail #name.-cursor { background: $primary; color: $background; text-style: bold; }
    App:nocolor Thumbnail #name.-cursor { text-style: reverse; }
    App:ansi Thumbnail #name.-cursor { color: ansi_black; text-style: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.entry: Entry | None = None
        self.is_drawn = False
        """Whether it shows an image."""
        self.image, self._label = ImageView(), Static(id="name")

    def compose(self) -> ComposeResult:
        """Lay out the image over the id."""
        yield self.image
        yield self._label

    def show(self, entry: Entry | None, room: int, *, cursor: bool, marked: bool) -> bool:
        """Show another item, its id in some cells, or none; True where its image is not drawn yet."""
        self.visible = entry is not None
        self._label.set_class(cursor, "-cursor")
        sign = "✓ " if marked else ""
        name = fit_name(one_line(entry.label, 200), max(room - len(sign), 1)) if entry else ""
        self._label.update(line(sign + name), layout=False)
        if entry is self.entry:
            return False
        self.entry = entry
        self.say("…")
        return entry is not None

    def say(self, words: str) -> None:
        """Show words in place of an image."""
        self.is_drawn = False
        self.image.say(content(words))

    def draw(self, picture: Picture, mode: GraphicsMode) -> None:
        """Show an image."""
        self.is_drawn = True
        self.image.show(picture, mode, reduced=abilities.over_ssh())


class ContactSheet(EntryScreen):
    """The items of a table as thumbnails; its cursor, its selection and its pages are those of the table.

    - `owner`: The screen whose items they are; `open_item` opens one there.
    """

    place = SHEET
    mode = "browse"
    CSS = """
    ContactSheet #strip { height: 1; padding: 0 1; background: $surface; }
    ContactSheet Grid { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(SHEET),
        *bindings(LISTS, _MOVES),
        Binding("escape", "app.back", show=False),
    ]

    def __init__(self, owner: EntryScreen, table: ItemTable, open_item: Callable[[Entry], None]) -> None:
        super().__init__()
        self.owner, self._table, self._open_item = owner, table, open_item
        self._strip, self._grid = Static(id="strip"), Grid()
        self._cells: list[Thumbnail] = []
        self._scale = 1
        self._across = 1
        self._graphics: GraphicsMode | None = None
        self._agreed = not abilities.over_ssh()
        self._thumbnails: LRUCache[Picture] = LRUCache(IN_MEMORY)

    def compose_body(self) -> ComposeResult:
        """Lay out the sheet."""
        yield self._strip
        yield self._grid

    # What is under the cursor is the owner's

    @property
    def documents(self) -> Documents:
        """What was loaded of the source."""
        return self.owner.documents

    @property
    def subject(self) -> TreeEntry | None:
        """The item under the cursor."""
        return self.owner.subject if self._table.current is not None else None

    @property
    def chosen(self) -> list[TreeEntry]:
        """The items that are selected."""
        return self.owner.chosen

    @property
    def dataset(self) -> Dataset | None:
        """The MLHub dataset of the items."""
        return self.owner.dataset

    @property
    def around(self) -> TreeEntry | None:
        """What all of may be downloaded in place of the item."""
        return self.owner.around

    @property
    def beside(self) -> Sequence[Entry]:
        """The items of the table."""
        return self._table.shown

    def go_beside(self, entry: Entry) -> None:
        """Put the cursor on an item."""
        self._table.go_to(entry)
        self._show()

    def clear_chosen(self) -> None:
        """Select nothing."""
        self.owner.clear_chosen()
        self._show()

    # Showing

    def on_resize(self) -> None:
        """Lay out as many places as fit now."""
        self.call_after_refresh(self._lay_out)

    async def _lay_out(self) -> None:
        if self.closing or not self._grid.size:
            return
        width = WIDTHS[self._scale]
        across = max(self._grid.size.width // (width + 2), 1)
        down = max(self._grid.size.height // (width // 2 + 1), 1)
        if (across, len(self._cells)) != (self._across, across * down):
            self._across = across
            self._cells = [Thumbnail() for _ in range(across * down)]
            self._grid.styles.grid_size_columns, self._grid.styles.grid_size_rows = across, down
            await self._grid.remove_children()
            await self._grid.mount_all(self._cells)
        self.call_after_refresh(self._show)

    def on_screen_suspend(self) -> None:
        """Fetch nothing behind another screen, and leave the terminal to it."""
        self.workers.cancel_group(self, "thumbnails")
        for cell in self._cells:
            cell.image.take_off()

    def on_screen_resume(self) -> None:
        """Draw again what another screen covered, and fetch the rest."""
        super().on_screen_resume()
        for cell in self._cells:
            cell.image.refresh()
        self._show(again=True)

    def items_changed(self) -> None:
        """Take up what the table lists now."""
        if self.is_current and not self.closing:
            self._show()

    def _show(self, *, again: bool = False) -> None:
        """Show the page of the cursor, and fetch what is not drawn of it."""
        if self.closing or not self._cells:
            return
        table, room, width = self._table, len(self._cells), self._grid.size.width // self._across - 2
        start = table.cursor_line // room * room
        entries: list[Entry | None] = [*table.entries(start, start + room)]
        missing = False
        for number, cell in enumerate(self._cells):
            entry = entries[number] if number < len(entries) else None
            marked = entry is not None and table.is_marked(entry)
            missing |= cell.show(entry, width, cursor=start + number == table.cursor_line, marked=marked)
        if missing or again:
            self._fill()
        where = f"{table.cursor_line + 1:,} of {count(table.line_count, 'item')}"
        selected = f", {len(table.marked):,} selected" if table.marked else ""
        where = (where if table.line_count else "no items") + selected
        name = one_line(table.current.label, 200) if table.current is not None else ""
        name = fit_name(name, max(self.size.width - len(where) - 4, 1)).rstrip()
        self._strip.update(line(name, "bold $accent") + Content("  ") + line(where, "$muted"), layout=False)

    # Thumbnails

    @work(exclusive=True, group="thumbnails")
    async def _fill(self) -> None:
        """Fetch and draw what is in sight, a few at a time; another page ends that."""
        if self._graphics is None:
            self._graphics = plainly(self.app) or await asked(self.app)
        if not self._agreed:
            full = self.app.console.color_system == "truecolor"
            most = estimate(self._graphics, *self._grid.size, full_colour=full, reduced=True)
            words = f"Over SSH a page takes about {size(round(most, -3))} to draw: r fetches and draws it."
            self.notify(words, timeout=60)
            return
        await together(self._fill_one, [cell for cell in self._cells if not cell.is_drawn], AT_A_TIME)

    async def _fill_one(self, cell: Thumbnail) -> None:
        if (entry := cell.entry) is None:
            return
        words, picture = "", None
        try:
            picture = await self._thumbnail(entry)
        except MLHubException as error:
            words = error.full_message
        except OSError as error:
            words = one_line(error.strerror or error, 120)
        if self.closing or cell.entry is not entry or self._graphics is None:
            return
        if picture is not None:
            cell.draw(picture, self._graphics)
        else:
            cell.say(words)

    async def _thumbnail(self, entry: Entry) -> Picture:
        """Return the thumbnail of an item.

        Raises MLHubException if it has none that can be drawn, or that is small enough.
        """
        documents = self.documents
        document = documents.of(entry) or await documents.load(entry)
        if document is None or documents.source is None:
            raise MLHubException(documents.why_not(entry) or "not loaded", hint="")
        images = pictures(document)
        if not images:
            raise MLHubException("no image", hint="")
        asset, source = images[0], documents.source
        key = str(preview_cache.place(source.root_url, document, asset))
        if (known := self._thumbnails.get(key)) is not None:
            return known
        file = await found(source, document, asset)
        if file is None:
            price = await cost(source, document, asset) if is_tiff(asset) else Cost(asset.size)
            if (price.bytes or 0) > MOST:
                raise MLHubException(f"{size(price.bytes)}: p fetches it", hint="")
            file = await fetch(source, document, asset, price, most=MOST)
        picture = await asyncio.to_thread(_small, file.path)
        self._thumbnails.put(key, picture, picture.weight)
        return picture

    # Keys

    def action_step(self, across: int, down: int) -> None:
        """Move the cursor by places."""
        line_number = self._table.cursor_line + across + down * self._across
        if 0 <= line_number < self._table.line_count:
            self.action_go(line_number)
        elif down > 0:
            self.action_go(-1)

    def action_page(self, step: int) -> None:
        """Move the cursor by a page."""
        self._table.cursor_line += step * max(len(self._cells), 1)
        self._show()

    def action_go(self, number: int) -> None:
        """Move the cursor to an item; -1 is the last one loaded."""
        self._table.action_cursor_to(number)
        self._show()

    def action_open(self) -> None:
        """Open the item under the cursor."""
        if (entry := self._table.current) is not None:
            self._open_item(entry)

    def action_mark(self) -> None:
        """Select the item under the cursor, and go to the next."""
        self._table.toggle_mark()
        self._show()

    def action_size(self, step: int) -> None:
        """Show larger or smaller images."""
        wanted = min(max(self._scale + step, 0), len(WIDTHS) - 1)
        if wanted == self._scale:
            self.refuse("That is the largest size." if step > 0 else "That is the smallest size.")
            return
        self._scale = wanted
        self.call_later(self._lay_out)

    def action_reload(self) -> None:
        """Fetch what was not agreed to before, or could not be drawn."""
        self._agreed = True
        self._fill()


def _small(path: Path) -> Picture:
    picture = preview.image_decode.read_picture(path)
    image = picture.image
    image.thumbnail((SIDE, SIDE))
    return replace(picture, image=image)
