"""The dialog before archives are downloaded: what, how big, the room there is, where to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import work
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from ...errors import EntityDoesNotExist, MLHubException
from ...models import CollectionRef
from ...options import IfExists
from ...sources.base import Source
from ...tasks import together
from ...text import count, size
from ..terminal.characters import content, line
from ..widgets.form import FormRow
from ..widgets.form_rows import OutputOptions
from .forms import AttributionRows, FormDialog

SIDE_BY_SIDE = 4
"""Sizes asked for at a time."""


@dataclass(frozen=True, slots=True)
class DownloadChoice:
    """What the user decided; `sizes` in bytes by collection id, where known."""

    folder: Path
    if_exists: IfExists
    sizes: Mapping[str, int]


class DownloadScreen(FormDialog[DownloadChoice | None]):
    """Asks; dismissed with the choice.

    Parameters
    ----------
    source
        Asked for the sizes.
    refs
        The collections.
    folder
        The output folder.
    stated
        Their licence and citation.
    """

    CSS = "DownloadScreen.-short > .dialog { padding: 0 1; }"
    AUTO_FOCUS = "ChoiceField"  # not the folder: what is typed ahead is not part of its name
    heading, keys = "Download", "enter queues, tab moves, esc cancels"

    def __init__(
        self, source: Source, refs: Sequence[CollectionRef], folder: Path, stated: tuple[str, str] = ("", "")
    ) -> None:
        super().__init__()
        self._source, self._refs, self._stated = source, refs, stated
        self._sizes: dict[str, int] = {}
        self._missing: list[str] = []
        self._unknown: list[str] = []
        self._size_words = Static(Content("asking…"), id="size")
        self._where = OutputOptions(folder)

    def rows(self) -> Iterator[Widget]:
        """Return what is downloaded, its size and licence, and where to."""
        one = self._refs[0].label if len(self._refs) == 1 else count(len(self._refs), "archive")
        yield Static(line(one, "bold"))
        yield FormRow("Size", self._size_words)
        yield AttributionRows(*self._stated)
        yield self._where

    def on_mount(self) -> None:
        """Ask for the sizes."""
        self._ask_sizes()

    @work(group="sizes")
    async def _ask_sizes(self) -> None:
        await together(self._ask_size, self._refs, SIDE_BY_SIDE)

    async def _ask_size(self, ref: CollectionRef) -> None:
        try:
            info = await self._source.archive_info(ref.id)
            if info.size is None:
                self._unknown.append(ref.label)
            else:
                self._sizes[ref.id] = info.size
        except EntityDoesNotExist:
            self._missing.append(ref.label)
        except MLHubException as error:
            self._unknown.append(ref.label)
            self.warn(f"{error.message}\n{error.hint}", "$warning")
        self._show_size()

    def _show_size(self) -> None:
        known = sum(self._sizes.values())
        words = size(known) if self._sizes else "unknown"
        if len(self._sizes) + len(self._missing) + len(self._unknown) < len(self._refs):
            words = f"asking… {words if self._sizes else ''}"
        if self._missing:
            words += f"; no archive yet: {', '.join(self._missing)}"
        if self._unknown and self._sizes:
            words += f"; unknown: {', '.join(self._unknown)}"
        self._size_words.update(content(words))
        self._where.need(known)

    def action_submit(self) -> None:
        """Close with the choice."""
        self.dismiss(DownloadChoice(self._where.folder, self._where.if_exists, dict(self._sizes)))
