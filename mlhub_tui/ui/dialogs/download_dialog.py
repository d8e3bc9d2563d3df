"""The dialog before archives or a dataset are downloaded: which ways there are, what each costs, where to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual import on, work
from textual.app import App, ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ScreenResultType
from textual.widgets import Static

from ... import cluster
from ...errors import MLHubException
from ...fileio import absolute
from ...options import ClusterConfig, IfExists
from ...output import parse
from ...planning.dataset_plan import Costs, costs
from ...planning.selection import Amount
from ...sources.base import Source
from ...text import count, link_names, size
from ..terminal.characters import content, line
from ..widgets.form import ChoiceField, FormRow, TextField
from ..widgets.form_rows import EngineRow, OutputOptions
from ..widgets.plan_tree import PlanSubject, sizes
from .base import FormDialog, confirm

ARCHIVES, ASSETS = "archives", "assets"
_SHOWN = 160
_REQUESTING = "requesting sizes…"
UNASKED = 10
"""Files that are queued without a question of their own."""


async def confirm_download(app: App[Any], amount: str, target: str) -> bool:
    """Ask, from a worker, before more than `UNASKED` files are downloaded, naming files, bytes and folder."""
    home = str(Path.home())
    folder = target.replace(home, "~", 1) if target.startswith(home + os.sep) else target
    # The folder has a line of its own: a long one would be broken in the middle of a name.
    return await confirm(app, f"Download {amount}\nto {folder}?", yes="Download")


class DownloadForm(FormDialog[ScreenResultType]):
    """A form whose choice is queued; after No in the question before many files it stands as it was left."""

    def queue(self, choice: ScreenResultType, files: int, amount: str, folder: Path) -> None:
        """Close with a choice; of many files after a question, which names their `amount` in words."""
        if files > UNASKED:
            self._ask_first(choice, amount, folder)
        else:
            self.dismiss(choice)

    @work(group="confirm", exclusive=True)
    async def _ask_first(self, choice: ScreenResultType, amount: str, folder: Path) -> None:
        if await confirm_download(self.app, amount, str(folder)):
            self.dismiss(choice)


class AttributionRows(Vertical):
    """The licence and the citation of what is downloaded; a long one scrolls by the keys, to its end."""

    def __init__(self, licence: str = "", citation: str = "") -> None:
        super().__init__()
        self._licence, self._citation = Static(id="licence"), Static(id="citation")
        self._scroll = VerticalScroll(self._citation)
        self._row = FormRow("Citation", self._scroll)
        self.show(licence, citation)

    def compose(self) -> ComposeResult:
        """Lay out the rows."""
        yield FormRow("Licence", self._licence)
        yield self._row

    def show(self, licence: str, citation: str) -> None:
        """Show another licence and citation; without a citation its row goes."""
        self._licence.update(line(licence or "not stated"))
        self._citation.update(content(citation))
        self._row.display = bool(citation)
        self.call_after_refresh(self._fit)

    def on_resize(self) -> None:
        """Fit the citation to the new width."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Let the citation have the keys only where there is more of it than is seen."""
        self._scroll.can_focus = self._scroll.max_scroll_y > 0


@dataclass(frozen=True, slots=True)
class DownloadChoice:
    """What the user decided.

    - `way`: `ARCHIVES` or `ASSETS`.
    - `folder`: Where to; of no account where there is a `url`, of a store.
    - `assets`: A folder of their own for the assets.
    - `costs`: What was known of them by then.
    - `archives`: The ids of the collections whose archives are queued.
    - `cluster`: Whose workers fetch; None for this machine.
    """

    way: str
    folder: Path
    assets: Path | None
    if_exists: IfExists
    costs: Costs | None
    archives: tuple[str, ...] = ()
    cluster: ClusterConfig | None = None
    url: str = ""


class DownloadScreen(DownloadForm[DownloadChoice | None]):
    """Asks; dismissed with the choice.

    - `source`: Asked for what the ways cost.
    - `ways`: Those that there are, the one that is chosen at first before others; `ARCHIVES` alone for
      collections.
    - `folder`: The output folder.
    """

    CSS = """
    DownloadScreen > .dialog { width: 84; }
    DownloadScreen.-short > .dialog { padding: 0 1; }
    DownloadScreen.-archives > .dialog { width: 72; }
    DownloadScreen #costs { height: auto; margin: 0 0 1 0; }
    DownloadScreen.-short #costs { margin: 0; }
    """
    AUTO_FOCUS = "ChoiceField"
    heading, keys = "Download dataset", "enter continues, space and tab change, esc cancels"

    def __init__(self, subject: PlanSubject, source: Source, ways: Sequence[str], folder: Path) -> None:
        super().__init__()
        self._subject, self._source, self._ways = subject, source, ways
        self._alone = [*ways] == [ARCHIVES]
        if self._alone:
            self.add_class("-archives")
            self.heading, self.keys = "Download", "enter queues, tab moves, esc cancels"
        self._costs: Costs | None = None
        self._is_whole, self._failed = False, False
        self._way_choice = ChoiceField(list(ways), id="way")
        self._said = Static(id="size" if self._alone else "costs")
        self._where = OutputOptions(folder)
        self._engine = EngineRow() if ASSETS in ways and cluster.installed() else None
        self._assets = TextField(placeholder="another folder for the assets; empty: the same", id="assets")
        self.rows = (
            Static(line(subject.title, "bold", _SHOWN)),
            *([FormRow("What", self._way_choice)] if len(ways) > 1 else []),
            FormRow("Size", self._said) if self._alone else self._said,
            AttributionRows(link_names(subject.licence), subject.citation),
            self._where,
            *([self._engine] if self._engine is not None else []),
            *([FormRow("Assets apart", self._assets, id="apart")] if not self._alone else []),
        )

    def on_mount(self) -> None:
        """Ask what the ways cost."""
        self._show()
        if ARCHIVES in self._ways:
            self._ask()

    @work(group="costs")
    async def _ask(self) -> None:
        try:
            self._take(await costs(self._source, self._subject.id, self._subject.collections, self._take))
            self._is_whole, problem = True, self._costs.problem if self._costs else None
        except MLHubException as error:
            self._failed, problem = True, error
        if problem is not None:
            self.warn(f"! {problem.full_message}", "$warning")
        self._show()

    def _take(self, found: Costs) -> None:
        self._costs = found
        self._show()

    @property
    def way(self) -> str:
        """The way that is chosen."""
        return self._way_choice.value if len(self._ways) > 1 else self._ways[0]

    @property
    def cluster(self) -> ClusterConfig | None:
        """The cluster that is chosen; None for this machine, which alone fetches archives."""
        return self._engine.cluster if self._engine is not None and self.way == ASSETS else None

    @on(ChoiceField.Changed, "#engine")
    def _engine_changed(self) -> None:
        self.call_after_refresh(self._show)

    @on(ChoiceField.Changed, "#way")
    def _show(self) -> None:
        found = self._costs if self._is_whole else None
        archives = self._size_words() if self._alone else self._archives_words(found)
        words = {ARCHIVES: archives, ASSETS: self._assets_words(found)}
        lines = [line(words[way], "" if way == self.way else "$muted") for way in self._ways]
        self._said.update(Content("\n").join(lines))
        if self._engine is not None:
            self._engine.display = self.way == ASSETS
        known = self._costs.archives_known if self._costs and self.way == ARCHIVES else 0
        self._where.need(known, takes_urls=self.cluster is not None)

    def _size_words(self) -> str:
        """Return what the archives of collections come to, and which of them are not there."""
        found = self._costs
        if found is None:
            return "unknown" if self._failed else _REQUESTING
        unknown = [name for name, known in found.archives.items() if known is None]
        words = size(found.archives_known) if len(unknown) < len(found.archives) else "unknown"
        if not self._is_whole:
            words = f"{_REQUESTING} {words}".removesuffix(" unknown")
        if found.missing:
            words += f"; no archive yet: {', '.join(found.missing)}"
        return words + (f"; unknown: {', '.join(unknown)}" if unknown and found.archives_known else "")

    def _archives_words(self, found: Costs | None) -> str:
        asked = count(len(self._subject.collections), "collection")
        if found is None:
            return f"archives of {asked}: {'unknown' if self._failed else _REQUESTING}"
        if not found.archives:
            return "archives: none are there yet"
        words = size(found.archives_size) if found.archives_size is not None else "size unknown"
        if found.archives_size is None and found.archives_known:
            words = f"{size(found.archives_known)} and unknown"
        missing = f"; none yet: {', '.join(found.missing[:3])}" if found.missing else ""
        return f"archives: {len(found.archives)} of {asked}, {words}{missing}"

    def _assets_words(self, found: Costs | None) -> str:
        if ARCHIVES not in self._ways:
            return "assets: choose which, where and when, once the items are read page by page"
        if found is None:
            asked = "unknown whether there is a catalog" if self._failed else "requesting the catalog…"
            return f"assets: {asked}"
        if not found.catalog:
            return "assets: not to be had so, the dataset has no catalog archive"
        first = f" ({size(found.catalog_size)})" if found.catalog_size else ""
        whole = f"; everything is about {size(found.estimated_size)}" if found.estimated_size else ""
        return f"assets: the catalog first{first}, then choose which, where and when{whole}"

    def action_submit(self) -> None:
        """Close with the choice, if what is chosen is to be had."""
        where, typed = self._where, self._assets.value.strip()
        if why := self._refusal(where.url, typed):
            self.warn(f"! {why}")
            return
        try:
            apart = absolute(Path(typed)) if typed else None
            folder, url = parse(where.url) if where.url else (where.folder, "")
        except MLHubException as error:
            self.warn(f"! {error.full_message}")
            return
        found = self._costs if self._is_whole else None
        folder = folder or where.folder
        missing = found.missing if found is not None and not self._alone else ()
        names = tuple(name for name in self._subject.collections if name not in missing)
        choice = DownloadChoice(self.way, folder, apart, where.if_exists, found, names, self.cluster, url)
        if self.way == ASSETS:
            self.dismiss(choice)  # a plan follows, with a question of its own
            return
        known = [found.archives.get(name) if found is not None else None for name in names]
        amount = Amount(len(names), sum(filter(None, known)), known.count(None))
        self.queue(choice, len(names), f"{count(len(names), 'archive')}, {sizes(amount)}", folder)

    def _refusal(self, url: str, apart: str) -> str:
        """Return why what is chosen is not to be had; empty where it is."""
        found = self._costs if self._is_whole else None
        if self.way == ASSETS and ARCHIVES in self._ways and found is not None and not found.catalog:
            return "there is no catalog archive: choose the archives"
        if self.way == ARCHIVES and found is not None and not found.archives and not self._alone:
            return "none of the collections has an archive yet: choose the assets"
        if url and self.cluster is None:
            engine = "choose the assets and the Dask cluster as the engine"
            wanted = engine if cluster.installed() else "it needs `pip install 'mlhub-tui[cluster]'`"
            return f"a URL is written to by the workers of a cluster: {wanted}"
        return "with a URL the assets have no folder of their own: leave it empty" if url and apart else ""
