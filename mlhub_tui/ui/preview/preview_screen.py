"""Preview: an image over the screen, with what it is and what it cost; keys leaf through images and items."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ... import preview_cache
from ...config import abilities
from ...errors import MLHubException
from ...models import Document, Entry, EntryKind, Item
from ...sources.static.document_loader import LRUCache
from ...text import one_line, size
from ..commands import PREVIEW, bindings
from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog
from .image_fetch import Cost, ImageFile, ImageSequence, cost, fetch, found, pictures
from .image_view import GraphicsMode, ImageView, asked, estimate, plainly

if TYPE_CHECKING:
    from pathlib import Path

    from ...models import Asset, Document
    from ...sources.base import Source
    from ..catalog.loader import Documents
    from ..context import AppContext
    from .image_decode import Picture


ASK_FROM = 5_000_000
"""Bytes from which on a question is asked first; over SSH from the first one on, once for that size."""
IN_MEMORY = 24_000_000
"""Bytes of decoded pictures that stay while the preview is open: half a dozen of the largest."""


class PreviewScreen(Dialog[None]):
    """A picture over the screen.

    - `source`: Where the images are fetched.
    - `sequence`: The documents to go through, at the first one.
    """

    place = PREVIEW
    DEFAULT_CSS = """
    PreviewScreen { align: center middle; }
    PreviewScreen > Vertical {
        width: 94%; height: 94%; border: round $accent; background: $surface; padding: 0 1;
    }
    PreviewScreen #facts { height: auto; max-height: 2; color: $muted; }
    PreviewScreen #images { height: 1; }
    PreviewScreen #facts { dock: bottom; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(PREVIEW),
        Binding("escape,q,p", "close", "close", show=False),
    ]

    def __init__(self, source: Source, sequence: ImageSequence) -> None:
        super().__init__()
        self._source, self._sequence = source, sequence
        self._pictures: LRUCache[tuple[Picture, ImageFile]] = LRUCache(IN_MEMORY)
        self._agreed = 0 if abilities.over_ssh() else ASK_FROM
        self._answer: asyncio.Future[None] | None = None
        self._graphics: GraphicsMode | None = None
        self._facts: list[str] = []
        self._box, self._view = Vertical(), ImageView()
        self._images, self._facts_words = Static(id="images"), Static(id="facts")

    def compose(self) -> ComposeResult:
        """Lay out the picture between words."""
        with self._box:
            yield self._images
            yield self._view
            yield self._facts_words

    def on_mount(self) -> None:
        """Begin with the first image."""
        self._load()

    def on_resize(self) -> None:
        """Name as many images as fit now."""
        self._name_images()

    def on_screen_suspend(self) -> None:
        """Leave the terminal to the screen in front."""
        self._view.take_off()

    def on_screen_resume(self) -> None:
        """Draw again what another screen covered."""
        self._view.refresh()

    # Showing

    @work(exclusive=True, group="picture")
    async def _load(self) -> None:
        """Show the image of the document in turn, which is loaded first, or why there is none."""
        self._facts = []
        self._state_facts()
        try:
            if self._sequence.document is None:
                self._frame(self._sequence.entry.label)
                self._say("loading…")
                await self._sequence.load()
            self._say("…")
            await self._show(self._sequence.document, self._sequence.image)
        except MLHubException as error:
            self._name_images()
            self._say(f"! {error.full_message}", "bold $error")

    async def _show(self, document: Document | None, asset: Asset) -> None:
        assert document is not None
        if self._graphics is None:
            self._graphics = plainly(self.app) or await asked(self.app)
        title = f"{asset.label}: {asset.title}" if asset.title and asset.title != asset.label else asset.label
        self._name_images()
        self._frame(f"{document.label} / {title}")
        mark = str(preview_cache.place(self._source.root_url, document, asset))
        known = self._pictures.get(mark)
        if known is None:
            fetched = await self._fetched(document, asset)
            self._say("decoding…")
            known = await asyncio.to_thread(_picture, fetched.path), fetched
            self._pictures.put(mark, known, known[0].weight)
        picture, fetched = known
        when = document.interval if isinstance(document, Item) else ""
        self._facts = _facts(picture, fetched, asset, one_line(when, 60))
        self._state_facts()
        self._view.show(picture, self._graphics, reduced=abilities.over_ssh())

    async def _fetched(self, document: Document, asset: Asset) -> ImageFile:
        """Fetch an image that is not here, once that is agreed to where it has to be."""
        if (here := await found(self._source, document, asset)) is not None:
            return here
        self._say("how large is it?")
        price = await cost(self._source, document, asset)
        await self._agree(asset, price)
        self._say("fetching…")
        return await fetch(self._source, document, asset, price, self._say)

    async def _agree(self, asset: Asset, price: Cost) -> None:
        """Wait for a yes where an image is larger than what was agreed to; a size unknown counts as small."""
        if price.bytes == 0 or self._agreed >= (price.bytes or 1):
            return
        amount = size(price.bytes) if price.bytes is not None else "an unknown size"
        if price.overview:
            amount = f"up to {amount} of {size(price.size)}"
        self._say(f"{asset.label}: {amount} to fetch, {self._to_draw()}.\n\nenter fetches it, esc does not")
        self._answer = asyncio.get_running_loop().create_future()
        try:
            await self._answer
        finally:
            self._answer = None
        # Images of that size come without a question from here on.
        usual = 1_000_000 if abilities.over_ssh() else ASK_FROM
        self._agreed = max(self._agreed, (price.bytes or 0) * 2, usual)

    def _to_draw(self) -> str:
        """Say how much the line to the terminal will carry."""
        room = self.app.size.width * 9 // 10, self.app.size.height * 3 // 4
        full = self.app.console.color_system == "truecolor"
        most = estimate(
            self._graphics or GraphicsMode.BLOCKS, *room, full_colour=full, reduced=abilities.over_ssh()
        )
        return f"about {size(round(most, -3))} to draw"

    @on(ImageView.Drawn)
    def _drawn(self, message: ImageView.Drawn) -> None:
        self._facts = [fact for fact in self._facts if not fact.endswith(message.mode.value)]
        self._facts.append(f"{size(message.size)} in {message.mode.value}")
        self._state_facts()

    # Words

    def _frame(self, title: str) -> None:
        self._box.border_title = line(title)
        at, of = self._sequence.place
        ways = [
            f"{at:,} of {of:,}: j k" if of > 1 else "",
            "n N image" if len(self._sequence.images) > 1 else "",
        ]
        self._box.border_subtitle = line(", ".join([*filter(None, ways), "esc closes"]))

    def _name_images(self) -> None:
        """Name the images of the document on a line, the one that is shown marked and in sight."""
        sequence = self._sequence
        names = [one_line(asset.key, 30) for asset in sequence.images] if len(sequence.images) > 1 else []
        first, last = _around(sequence.chosen, names, self.app.size.width * 9 // 10 - 6)
        parts = []
        for number in range(first, last):
            chosen = number == sequence.chosen
            style = "bold $foreground on $primary-muted" if chosen else "$muted"
            parts.append(line(f"[{names[number]}]" if chosen else names[number], style))
        if last < len(names):
            parts.append(line(f"…{len(names) - last} more", "$muted"))
        self._images.update(Content("  ").join(parts))

    def _say(self, words: str, style: str = "") -> None:
        self._view.say(content(words, style))

    def _state_facts(self) -> None:
        self._facts_words.update(line(", ".join(self._facts)))

    # Keys

    def action_image(self, step: int) -> None:
        """Show another image of the document."""
        if self._sequence.next_image(step):
            self._load()

    def action_document(self, step: int) -> None:
        """Show an image of another document."""
        if self._sequence.next_document(step):
            self._load()
        elif self._sequence.place[1] > 1:
            cast("AppContext", self.app).refuse(
                "That is the last one loaded." if step > 0 else "That is the first."
            )

    def action_fetch(self) -> None:
        """Agree to the bytes; without a question, close."""
        if self._answer is None:
            self.action_close()
        elif not self._answer.done():
            self._answer.set_result(None)

    def action_close(self) -> None:
        """Close; what is under way ends."""
        self.workers.cancel_node(self)
        self.dismiss(None)


def _facts(picture: Picture, fetched: ImageFile, asset: Asset, when: str) -> list[str]:
    """Return what a picture is, and what it cost."""
    came = f"{size(fetched.came)} fetched" if fetched.came else f"{size(fetched.size)} {fetched.here}"
    if fetched.came and fetched.came < fetched.size:
        came = f"{size(fetched.came)} of {size(fetched.size)} fetched"
    pixels = f"{picture.width:,} x {picture.height:,}"
    roles = ", ".join(role for role in asset.roles[:3] if role not in asset.key)
    return list(filter(None, (when, f"{picture.format} {pixels}", picture.note, roles, came)))


def _around(chosen: int, names: list[str], room: int) -> tuple[int, int]:
    """Return the first and the end of the names around the chosen one that fit beside each other."""
    first, last, used = chosen, chosen, 0
    while last < len(names) and used + cell_len(names[last]) + 2 <= room - 10:
        used += cell_len(names[last]) + 2
        last += 1
    while first > 0 and used + cell_len(names[first - 1]) + 2 <= room - 10:
        first -= 1
        used += cell_len(names[first]) + 2
    return first, max(last, min(chosen + 1, len(names)))


def _picture(path: Path) -> Picture:
    """Return the picture in a file; in a thread, as Pillow takes a while to import."""
    from .image_decode import read_picture

    return read_picture(path)


_HOLDERS = (EntryKind.COLLECTION, EntryKind.CATALOG, EntryKind.DATASET)


async def preview(
    app: AppContext, documents: Documents, entries: Sequence[Entry], current: Entry | None, key: str = ""
) -> Entry | None:
    """Show an image of an entry, of a collection without one those of its items; return the last one seen.

    - `documents`: What was loaded of the source.
    - `entries`: What the keys of the preview go through; the current one is among them, or stands alone.
    - `current`: What is under the cursor.
    - `key`: The asset to begin with; empty for the one that shows it best.
    """
    if not draws(app):
        return None
    if current is None or documents.source is None:
        app.refuse("Put the cursor on an item or a collection first.")
        return None
    document = documents.of(current) or await documents.load(current)
    if not pictures(document) and current.kind in _HOLDERS:
        entries = await _items(app, documents, current)
        if not entries:
            return None
        current = entries[0]
    elif not pictures(document):
        words = documents.why_not(current) if document is None else ""
        app.refuse(words or "There is no image among the assets here.")
        return None
    places = [number for number, entry in enumerate(entries) if entry is current or entry == current]
    sequence = ImageSequence(entries if places else [current], documents, places[0] if places else 0, key)
    await app.push_screen_wait(PreviewScreen(documents.source, sequence))
    return sequence.entry


def draws(app: AppContext) -> bool:
    """Whether images can be drawn and are wanted; where not, the status line shows why."""
    if app.loaded.config.images == "off":
        app.refuse("Previews are off: images in the settings (, opens them).")
        return False
    if find_spec("PIL") is None:
        app.notify("Previews need Pillow: pip install 'mlhub-tui[images]'", severity="warning")
        return False
    return True


async def _items(app: AppContext, documents: Documents, holder: Entry) -> list[Entry]:
    """Return the items of the first page of a collection that have images."""
    assert documents.source is not None
    if holder.kind is EntryKind.DATASET:
        app.refuse("A dataset has no images: open one of its collections.")
        return []
    app.notify("It has no image: searching its items…", timeout=3)
    try:
        page = await documents.source.entries(holder)
    except MLHubException as error:
        app.notify(error.full_message, severity="error")
        return []
    documents.keep(page.entries)
    items = [entry for entry in page.entries if entry.kind is EntryKind.ITEM]
    shown = [entry for entry in items if (there := documents.of(entry)) is None or pictures(there)]
    if not shown:
        app.refuse("No image among the assets, nor in those of the first items.")
    return shown
