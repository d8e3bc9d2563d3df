"""The dialog before archives or a dataset are downloaded: which ways there are, what each costs, where to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import on, work
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from ... import cluster
from ...errors import MLHubException
from ...fileio import absolute
from ...options import ClusterConfig, IfExists
from ...output import parse
from ...planning.dataset_plan import Costs, costs
from ...sources.base import Source
from ...text import count, link_names, size
from ..terminal.characters import line
from ..widgets.form import ChoiceField, FormRow, field
from ..widgets.form_rows import EngineRow, OutputOptions
from ..widgets.plan_tree import PlanSubject
from .forms import AttributionRows, FormDialog

ARCHIVES, ASSETS = "archives", "assets"
_SHOWN = 160


@dataclass(frozen=True, slots=True)
class DownloadChoice:
    """What the user decided.

    - `way`: `ARCHIVES` or `ASSETS`.
    - `folder`: Where to; of no account where there is a `url`.
    - `assets`: A folder of their own for the assets.
    - `if_exists`: What to do about files that are there.
    - `costs`: What was known of them by then.
    - `cluster`: Whose workers fetch; None for this machine.
    - `url`: The URL of a store that the files go to.
    """

    way: str
    folder: Path
    assets: Path | None
    if_exists: IfExists
    costs: Costs | None
    cluster: ClusterConfig | None = None
    url: str = ""


class DownloadScreen(FormDialog[DownloadChoice | None]):
    """Asks; dismissed with the choice.

    - `subject`: What is to be downloaded.
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
        self._partial: Costs | None = None
        self._failed = False
        self._way_choice = ChoiceField(list(ways), id="way")
        self._costs_words = Static(id="size" if self._alone else "costs")
        self._where = OutputOptions(folder)
        self._engine = EngineRow() if ASSETS in ways and cluster.installed() else None
        self._assets = field("assets", placeholder="another folder for the assets; empty: the same")

    def rows(self) -> Iterator[Widget]:
        """Return the ways with their costs, licence and citation, where to and by whom."""
        subject = self._subject
        yield Static(line(subject.title, "bold", _SHOWN))
        if len(self._ways) > 1:
            yield FormRow("What", self._way_choice)
        yield FormRow("Size", self._costs_words) if self._alone else self._costs_words
        yield AttributionRows(link_names(subject.licence), subject.citation)
        yield self._where
        if self._engine is not None:
            yield self._engine
        if not self._alone:
            yield FormRow("Assets apart", self._assets, id="apart")

    def on_mount(self) -> None:
        """Ask what the ways cost."""
        self._show()
        if ARCHIVES in self._ways:
            self._ask()

    @work(group="costs")
    async def _ask(self) -> None:
        try:
            found = await costs(self._source, self._subject.id, self._subject.collections, self._show_partial)
            self._costs, problem = found, found.problem
        except MLHubException as error:
            self._failed, problem = True, error
        if problem is not None:
            self.warn(f"! {problem.full_message}", "$warning")
        self._show()

    def _show_partial(self, found: Costs) -> None:
        self._partial = found
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
        archives = self._size_words if self._alone else self._archives_words
        words = {ARCHIVES: archives, ASSETS: self._assets_words}
        lines = [line(words[way], "" if way == self.way else "$muted") for way in self._ways]
        self._costs_words.update(Content("\n").join(lines))
        found = self._costs or self._partial
        known = found.archives_known if found is not None and self.way == ARCHIVES else 0
        if self._engine is not None:
            self._engine.display = self.way == ASSETS
        self._where.need(known)
        self._where.take_urls(self.cluster is not None)

    @property
    def _size_words(self) -> str:
        """What the archives of collections come to, and which of them are not there."""
        found = self._costs or self._partial
        if found is None:
            return "unknown" if self._failed else "asking…"
        unknown = [name for name, known in found.archives.items() if known is None]
        words = size(found.archives_known) if len(unknown) < len(found.archives) else "unknown"
        if self._costs is None:
            words = f"asking… {words}".removesuffix(" unknown")
        if found.missing:
            words += f"; no archive yet: {', '.join(found.missing)}"
        return words + (f"; unknown: {', '.join(unknown)}" if unknown and found.archives_known else "")

    @property
    def _archives_words(self) -> str:
        found = self._costs
        if found is None:
            state = "unknown" if self._failed else "asking…"
            return f"archives of {count(len(self._subject.collections), 'collection')}: {state}"
        there, asked = len(found.archives), len(self._subject.collections)
        known = size(found.archives_size) if found.archives_size is not None else ""
        part = f"{size(found.archives_known)} and unknown" if found.archives_known and not known else known
        words = f"archives: {there} of {count(asked, 'collection')}, {part or 'size unknown'}"
        missing = f"; none yet: {', '.join(found.missing[:3])}" if found.missing else ""
        return (words if there else "archives: none are there yet") + (missing if there else "")

    @property
    def _assets_words(self) -> str:
        if ARCHIVES not in self._ways:
            return "assets: choose which, where and when, once the items are read page by page"
        found = self._costs
        if found is None:
            return (
                "assets: unknown whether there is a catalog"
                if self._failed
                else "assets: asking for the catalog…"
            )
        if not found.catalog:
            return "assets: not to be had so, the dataset has no catalog archive"
        catalog = (
            f"the catalog first ({size(found.catalog_size)})" if found.catalog_size else "the catalog first"
        )
        whole = f"; everything is about {size(found.estimated_size)}" if found.estimated_size else ""
        return f"assets: {catalog}, then choose which, where and when{whole}"

    def action_submit(self) -> None:
        """Close with the choice, if what is chosen is to be had."""
        found, way = self._costs, self.way
        none = found is not None and not found.archives
        if way == ASSETS and ARCHIVES in self._ways and found is not None and not found.catalog:
            return self._refuse("there is no catalog archive: choose the archives")
        if way == ARCHIVES and none and not self._alone:
            return self._refuse("none of the collections has an archive yet: choose the assets")
        where, typed = self._where, self._assets.value.strip()
        if where.url and self.cluster is None:
            engine = "choose the assets and the Dask cluster as the engine"
            wanted = engine if cluster.installed() else "it needs `pip install 'mlhub-tui[cluster]'`"
            return self._refuse(f"a URL is written to by the workers of a cluster: {wanted}")
        if where.url and typed:
            return self._refuse("with a URL the assets have no folder of their own: leave it empty")
        try:
            apart = absolute(Path(typed)) if typed else None
            folder, url = parse(where.url) if where.url else (where.folder, "")
        except MLHubException as error:
            return self._refuse(error.full_message)
        choice = DownloadChoice(way, folder or where.folder, apart, where.if_exists, found, self.cluster, url)
        self.dismiss(choice)
        return None

    def _refuse(self, words: str) -> None:
        self.warn(f"! {words}")
