"""The dialog before a download of assets: which of them, how big they are, where to, what if they exist."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widgets import Static

from ...errors import MLHubException
from ...metadata.citation import Attribution, attribution, words_of
from ...metadata.detail import type_word
from ...models import Document, Entry, Item
from ...options import IfExists
from ...planning.assets import AssetGroup, AssetTally, assets_of
from ...planning.selection import Amount
from ...text import count, one_line, size
from .. import preview
from ..actions.item_supplier import ItemSupplier, never
from ..catalog.loader import Documents
from ..catalog.nodes import TreeEntry
from ..terminal.characters import content, line
from ..widgets.form import ChoiceField, FormRow, TextField
from ..widgets.form_rows import OutputOptions
from ..widgets.line_view import PickLine, PickList
from ..widgets.plan_tree import sizes
from .download_dialog import AttributionRows, DownloadForm

COUNTED = 1_000
"""Items of a large supply that are looked at before the choice; sizes are of these."""
MOST = 1_000
"""Items of a large supply that are queued unless another number is typed."""
HIGH = 36
"""Rows of a terminal with room for a long list."""
COLLECTIONS = 5
"""Collections whose licences and citations are looked up."""
KEYS = 300
"""Asset keys of which an image can be looked at."""
_LICENCE = 200
"""Characters of a licence that are remembered with what is downloaded."""
_ROLE, _KEY = "role:", "key:"


@dataclass(frozen=True, slots=True)
class AssetChoice:
    """What the user decided; `most` is how many items are gone through at most, None for all.

    `licence` is what was shown as theirs.
    """

    supply: ItemSupplier
    keys: frozenset[str]
    roles: frozenset[str]
    folder: Path
    if_exists: IfExists
    most: int | None
    licence: str = ""


class AssetsScreen(DownloadForm[AssetChoice | None]):
    """Asks; space selects, dismissed with the choice.

    - `supplies`: The documents whose assets are meant; of several the user chooses one.
    - `documents`: Where what the items belong to is looked up.
    - `stated`: The attributions of what is downloaded; where there are none, those of the first items count.
    - `keys`: The assets that are selected at first; those with data or labels where there are none.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "all", "select all", show=False),
        Binding("p", "preview", "preview", show=False),
    ]
    CSS = """
    AssetsScreen > .dialog { width: 92; padding: 0 1; }
    AssetsScreen PickList { height: auto; min-height: 3; max-height: 9; margin: 0 0 1 0; }
    AssetsScreen.-high PickList { max-height: 18; }
    AssetsScreen.-short PickList { max-height: 3; margin: 0; }
    AssetsScreen #counted { display: none; }
    AssetsScreen #counted.-said { display: block; }
    AssetsScreen #most { width: 10; }
    AssetsScreen #of { padding: 0 0 0 1; width: 1fr; color: $muted; }
    """
    AUTO_FOCUS = "PickList"
    heading, keys = "Download assets", "space selects, enter queues, A all, p preview, esc cancels"

    def __init__(
        self,
        supplies: Sequence[ItemSupplier],
        folder: Path,
        documents: Documents,
        stated: Sequence[Attribution] = (),
        keys: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._documents, self._stated = documents, stated
        self._supplies, self._supply = supplies, supplies[0]
        self._first: dict[str, Document] = {}
        room = max(72 // len(supplies) - 4, 12)
        self._of_which = ChoiceField([one_line(supply.words, room) for supply in supplies], id="of-what")
        self._counted, self._chosen = Static(id="counted"), Static(id="chosen")
        self._attribution = AttributionRows()
        self._picks, self._where = PickList(self._box), OutputOptions(folder)
        whole = next((supply for supply in supplies if supply.whole), supplies[0])
        self._most = TextField(str(min(whole.total or MOST, MOST)), id="most")
        total = f"of {whole.total:,}; " if whole.total is not None else ""
        of = Static(content(f"{total}all for every one"), id="of")
        self._most_row = FormRow("Items at most", self._most, of, id="most-row")
        self.rows = (
            Static(line(self._supply.words, "bold")) if len(supplies) == 1 else self._of_which,
            self._counted,
            self._picks,
            self._most_row,
            FormRow("Chosen", self._chosen),
            self._attribution,
            self._where,
        )
        self._begin(keys)

    def _begin(self, keys: Sequence[str] = ()) -> None:
        """Count from the start; `keys` are ticked."""
        self._looked_up, self._found = set[tuple[str, str]](), list[Attribution]()
        self._tally, self._counting, self._touched = AssetTally(), "looking…", bool(keys)
        self._ticks = RoleSelection(self._tally, keys)
        self._most_row.display = self._supply.whole

    def on_mount(self) -> None:
        """Begin to count."""
        self._show()
        self._count()

    @on(ChoiceField.Changed)
    def _of_what(self) -> None:
        """Restart with other documents."""
        chosen = self._supplies[self._of_which.chosen]
        if chosen is not self._supply:
            self._supply = chosen
            self._begin()
            self._show()
            self._count()

    def on_resize(self) -> None:
        """Give the list what room there is."""
        self.set_class(self.size.height >= HIGH, "-high")

    # Counting

    @work(group="count", exclusive=True)
    async def _count(self) -> None:
        """Count the assets of the documents, a page in memory at a time; update the list after each."""
        most = COUNTED if self._supply.whole else None
        notes: dict[str, None] = {}
        try:
            async for page in self._supply.pages(never, most):
                notes |= dict.fromkeys(page.notes)
                await self._look_at(page.entries)
                total = page.matched if page.matched is not None else self._supply.total
                self._counting = f"looking: {self._tally.documents:,}{f' of {total:,}' if total else ''}…"
                self._show()
            self._counting = ""
        except MLHubException as error:
            self._counting = f"! {error.full_message}"
        if notes:
            self._counting = "  ".join(filter(None, (self._counting, f"! {next(iter(notes))}")))
        self._show()

    async def _look_at(self, documents: tuple[Document, ...]) -> None:
        for number, document in enumerate(documents):
            self._tally.add(document)
            for asset in assets_of(document) if len(self._first) < KEYS else ():
                self._first.setdefault(asset.key, document)
            belongs = (document.collection_id, document.license) if isinstance(document, Item) else ("", "")
            if not (self._stated or belongs in self._looked_up or len(self._looked_up) >= COLLECTIONS):
                self._looked_up.add(belongs)
                self._look_up(document)
            if number % 50 == 49:
                await asyncio.sleep(0)
        if not self._touched:
            self._ticks.tick_data()

    @work(group="attribution")
    async def _look_up(self, document: Document) -> None:
        """Take up whose licence and citation count for an item; those of the first few collections do."""
        above = await self._documents.load_above(TreeEntry(Entry.of(document)))
        self._found.append(attribution(document, above))
        self._show()

    # Showing

    def _show(self) -> None:
        self._picks.show(self._lines())
        nothing = not (self._counting or self._tally.by_key())
        self.show_keys("esc cancels" if nothing else self.keys)
        words = "no assets here" if nothing else self._counting
        if not self._counting and self._partly:
            first = f"counted in the first {self._tally.documents:,}"
            words = f"{first}; what is ticked is queued of the rest too"
        self._counted.update(line(words, "$warning" if "!" in self._counting else "$muted"))
        self._counted.set_class(bool(words), "-said")
        self._attribution.show(*words_of(self._stated or self._found))
        self._sum_up()

    @property
    def _partly(self) -> bool:
        """Whether only the first of many items were counted."""
        counted, total = self._tally.documents, self._supply.total
        return self._supply.whole and counted >= COUNTED and (total is None or total > counted)

    def _lines(self) -> list[PickLine]:
        roles = [_line(_ROLE, choice, _barred(choice)) for choice in self._tally.by_role()]
        keys = [
            _line(_KEY, choice, "$ requester pays" if choice.paid else _barred(choice))
            for choice in self._tally.by_key()
        ]
        groups = (("Roles", roles), ("Assets", keys))
        return [one for title, lines in groups if lines for one in (PickLine(title), *lines)]

    def _box(self, key: str) -> str:
        if key.startswith(_ROLE):
            return "[x]" if key.removeprefix(_ROLE) in self._ticks.roles else "[ ]"
        return self._ticks.box(key.removeprefix(_KEY))

    def _sum_up(self) -> None:
        totals = self._ticks.totals
        words = count(totals.files, "file")
        known = size(totals.size) if totals.size else ""
        unknown = f"{totals.unknown:,} unknown" if known else "sizes unknown"
        sizes = " + ".join(filter(None, (known, unknown if totals.unknown else "")))
        part = f" in the first {self._tally.documents:,} items" if self._partly else ""
        self._chosen.update(line(f"{words}, {sizes}{part}" if sizes else words + part))
        self._where.need(totals.size)
        self._explain()

    @on(PickList.Moved)
    def _explain(self) -> None:
        """Say why what is chosen is not queued, or else what is wrong under the cursor."""
        current, barred = self._picks.current, self._ticks.totals.barred
        note = current.note if current is not None else ""
        if barred:
            chosen = (c.why for c in self._tally.by_key() if self._ticks.box(c.key) != "[ ]")
            left = f"{count(barred, 'chosen asset')} cannot be downloaded and will be skipped"
            note = f"{left}: {note or next(filter(None, chosen), '')}"
        self.warn(one_line(note, 300), "$warning")

    # Keys

    @on(PickList.Ticked)
    def _ticked(self, message: PickList.Ticked) -> None:
        if message.key.startswith(_ROLE):
            self._ticks.roles ^= {message.key.removeprefix(_ROLE)}
        else:
            self._ticks.toggle_key(message.key.removeprefix(_KEY))
        self._ticks_changed()

    def action_all(self) -> None:
        """Tick everything, or nothing where everything is ticked."""
        self._ticks.toggle_all()
        self._ticks_changed()

    def _ticks_changed(self) -> None:
        self._touched = True
        self._picks.refresh()
        self._sum_up()

    @work(group="preview", exclusive=True)
    async def action_preview(self) -> None:
        """Show an image of the asset, or the role, under the cursor, of the first document that has it."""
        current = self._picks.current
        key = current.key.removeprefix(_KEY) if current is not None else ""
        if key.startswith(_ROLE):
            role = key.removeprefix(_ROLE)
            kinds = ((a.key, a.roles) for d in self._first.values() for a in assets_of(d))
            key = next((name for name, roles in kinds if role in roles), "")
        document = self._first.get(key)
        if document is not None:
            entry = Entry.of(document)
            await preview.preview_screen.preview(self.context, self._documents, [], entry, key)
        else:
            self.context.refuse("Put the cursor on an asset first.")

    @on(PickList.Picked)
    def action_submit(self) -> None:
        """Close with the choice, if there is one."""
        typed = self._most.value.strip().replace(",", "").casefold()
        most = int(typed[:12]) if typed.isascii() and typed.isdigit() else 0
        if not self._ticks.totals.files:
            self.warn("nothing is selected that can be downloaded: select some with space")
        elif self._supply.whole and typed != "all" and not most:
            self.warn("Items at most: a number, or all")
        else:
            licence = one_line(words_of(self._stated or self._found)[0], _LICENCE)
            limit = most if self._supply.whole and typed != "all" else None
            where, keys, roles = self._where, frozenset(self._ticks.keys), frozenset(self._ticks.roles)
            choice = AssetChoice(self._supply, keys, roles, where.folder, where.if_exists, limit, licence)
            self.queue(choice, *self._expected(limit), where.folder)

    def _expected(self, most: int | None) -> tuple[int, str]:
        """Return how many files so many items at most have, and that with their bytes in words.

        Both are estimates where not all items were counted.
        """
        counted, totals = self._tally.documents, self._ticks.totals
        total = self._supply.total if self._counting or self._partly else counted
        wanted = min((number for number in (most, total) if number is not None), default=None)
        found = Amount(totals.files, totals.size, totals.unknown)
        if wanted is None or wanted == counted:
            more = "at least " if wanted is None and self._partly else ""
            return found.files, f"{more}{count(found.files, 'file')}, {sizes(found)}"
        share = wanted / counted
        files = max(round(found.files * share), 1)
        scaled = Amount(files, round(found.known * share), min(round(found.unknown * share), files))
        return files, f"about {count(files, 'file')}, {sizes(scaled)}"


def _line(prefix: str, choice: AssetGroup, mark: str) -> PickLine:
    """Return the line of a key or a role."""
    unknown = choice.unknown
    known = size(choice.size) if choice.sized else ""
    sizes = " + ".join(filter(None, (known, f"{unknown:,} ?" if unknown and known else "")))
    types = ", ".join(dict.fromkeys(type_word(media_type) for media_type in choice.media_types[:3]))
    title = choice.title if prefix == _KEY and choice.title != choice.key else ""
    words = "  ".join(filter(None, (mark, types, title)))
    figures = f"{sizes}{choice.count:>8,}"
    return PickLine(choice.key or "(no name)", words, figures, prefix + choice.key, choice.why)


def _barred(choice: AssetGroup) -> str:
    """Return the mark of what cannot be fetched."""
    return "! cannot be downloaded" if choice.barred == choice.count else "! in part" if choice.barred else ""


_DATA = ("data", "labels")
"""The roles of what a dataset is about; ticked at first, where there are such."""


class RoleSelection:
    """Roles and keys that are ticked; a role covers its keys, also those of documents that come later."""

    def __init__(self, tally: AssetTally, keys: Sequence[str] = ()) -> None:
        self._tally = tally
        self.keys, self.roles = {*keys}, set[str]()

    @property
    def totals(self) -> AssetGroup:
        """What the ticked assets come to."""
        return self._tally.totals(self.keys, self.roles)

    def box(self, key: str) -> str:
        """Return the box of a key: ticked, not, or in part by a role that not all of its assets have."""
        if key in self.keys:
            return "[x]"
        having, all_of = self._tally.share(key, self.roles)
        return "[ ]" if not having else "[x]" if having == all_of else "[-]"

    def toggle_key(self, key: str) -> None:
        """Tick a key, or untick it; then the roles that cover it are written out as their other keys."""
        if self.box(key) != "[x]":
            self.keys.add(key)
            return
        self.keys.discard(key)
        covering = {role for role in self.roles if self._tally.share(key, {role})[0]}
        if covering:
            covered = {c.key for c in self._tally.by_key() if self._tally.share(c.key, covering)[0]}
            self.roles -= covering
            self.keys |= covered - {key}

    def toggle_all(self) -> None:
        """Tick every key, or nothing where every key is ticked."""
        keys = [choice.key for choice in self._tally.by_key()]
        whole = all(self.box(key) == "[x]" for key in keys)
        self.roles.clear()
        self.keys = set() if whole else set(keys)

    def tick_data(self) -> None:
        """Tick what the documents are about: the role of data or labels, else all that can be fetched."""
        roles = {choice.key for choice in self._tally.by_role() if choice.barred < choice.count}
        self.roles = roles.intersection(_DATA)
        found = self._tally.by_key() if not self.roles else ()
        self.keys = {choice.key for choice in found if choice.barred < choice.count}
