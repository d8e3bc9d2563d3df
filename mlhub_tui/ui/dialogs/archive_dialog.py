"""The dialog before a download: what, how big, the room there is, where to, and what if it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static

from ...errors import EntityDoesNotExist, MLHubException
from ...models import CollectionRef
from ...options import IfExists
from ...sources.base import Source
from ...text import count, link_names, size
from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog
from ..widgets.output_options import OutputOptions

SIDE_BY_SIDE = 4
"""Sizes asked for at a time."""


@dataclass(frozen=True, slots=True)
class DownloadChoice:
    """What the user decided; `sizes` in bytes by collection id, where known."""

    folder: Path
    if_exists: IfExists
    sizes: Mapping[str, int]


class DownloadScreen(Dialog[DownloadChoice | None]):
    """Asks; Enter queues, Esc does not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", show=False),
        Binding("enter", "queue", "queue", show=False),
    ]

    AUTO_FOCUS = "ChoiceField"  # not the folder: what is typed ahead is not part of its name

    def __init__(self, source: Source, refs: Sequence[CollectionRef], folder: Path) -> None:
        super().__init__()
        self._source, self._refs = source, refs
        self._sizes: dict[str, int] = {}
        self._missing: list[str] = []
        self._unknown: list[str] = []
        self._asked = 0
        self._size_words = Static(Content("asking…"), id="size")
        self._where = OutputOptions(folder)
        self._warning = Static(id="warning")

    def compose(self) -> ComposeResult:
        """Lay out the questions."""
        one = self._refs[0].label if len(self._refs) == 1 else count(len(self._refs), "archive")
        licences = ", ".join(dict.fromkeys(link_names(ref.license) for ref in self._refs if ref.license))
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line("Download")
            dialog.border_subtitle = line("enter queues, tab moves, esc cancels")
            yield Static(line(one, "bold"))
            with Horizontal(classes="row"):
                yield Label(Content("Size"), classes="name")
                yield self._size_words
            with Horizontal(classes="row"):
                yield Label(Content("Licence"), classes="name")
                yield Static(line(licences or "not stated"))
            yield self._where
            yield self._warning

    def on_mount(self) -> None:
        """Ask for the sizes."""
        self._ask_sizes()

    @work(group="sizes")
    async def _ask_sizes(self) -> None:
        places = asyncio.Semaphore(SIDE_BY_SIDE)
        async with asyncio.TaskGroup() as group:
            for ref in self._refs:
                group.create_task(self._ask_size(ref, places))

    async def _ask_size(self, ref: CollectionRef, places: asyncio.Semaphore) -> None:
        async with places:
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
                self._warning.update(content(f"{error.message}\n{error.hint}", "$warning"))
        self._asked += 1
        self._show_size()

    def _show_size(self) -> None:
        words = size(sum(self._sizes.values())) if self._sizes else "unknown"
        if self._asked < len(self._refs):
            words = f"asking… {words if self._sizes else ''}"
        if self._missing:
            words += f"; no archive yet: {', '.join(self._missing)}"
        if self._unknown and self._sizes:
            words += f"; unknown: {', '.join(self._unknown)}"
        self._size_words.update(content(words))
        self._where.need(sum(self._sizes.values()))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        """Go to the next field: Enter in a field starts nothing."""
        event.stop()
        self.focus_next()

    def action_queue(self) -> None:
        """Close with the choice."""
        where = self._where
        self.dismiss(DownloadChoice(where.folder, where.if_exists, dict(self._sizes)))
