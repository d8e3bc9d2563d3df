"""The row of a dialog that says who fetches: this machine, or the workers of a cluster."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from ... import output_url
from ...errors import MLHubException
from ...options import ClusterConfig, IfExists
from ...text import size
from ..terminal.characters import content
from .form import ChoiceField, FormRow, field

HERE, CLUSTER = "this machine", "Dask cluster"
_ADDRESS = "DASK_SCHEDULER_ADDRESS"


class EngineRow(FormRow):
    """A choice, and the address of a scheduler where it is asked for."""

    DEFAULT_CSS = """
    EngineRow ChoiceField { width: 31; }
    EngineRow Input { display: none; }
    EngineRow.-cluster Input { display: block; }
    """

    def __init__(self) -> None:
        address = os.environ.get(_ADDRESS, "")
        self._address = field("scheduler", address, placeholder="tcp://host:8786, or empty")
        super().__init__("Engine", ChoiceField([HERE, CLUSTER], id="engine"), self._address)

    @property
    def cluster(self) -> ClusterConfig | None:
        """The cluster that is chosen; None for this machine alone."""
        if not self.has_class("-cluster"):
            return None
        return ClusterConfig(self._address.value.strip())

    @on(ChoiceField.Changed, "#engine")
    def _changed(self, message: ChoiceField.Changed) -> None:
        self.set_class(message.choice.value == CLUSTER, "-cluster")


class OutputOptions(Vertical):
    """Three rows of a dialog about downloads.

    Parameters
    ----------
    folder
        What stands in the field at first.

    Attributes
    ----------
    takes_urls
        Whether a URL of a store will do as well.
    """

    DEFAULT_CSS = "OutputOptions { height: auto; width: 1fr; }"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._field, self._free = field("folder", str(folder)), Static(id="free")
        self._choice = ChoiceField([option.value for option in IfExists], id="if-exists")
        self._needed = 0
        self.takes_urls = False

    def compose(self) -> ComposeResult:
        """Lay out the rows."""
        yield FormRow("Folder", self._field)
        yield FormRow("Free space", self._free)
        yield FormRow("If it exists", self._choice)

    def on_mount(self) -> None:
        """Look at the disk."""
        self._look_at_disk()

    @property
    def folder(self) -> Path:
        """The folder as it was typed, absolute."""
        typed = self._field.value.strip()
        path = Path(typed or ".")
        try:
            return path.expanduser().absolute()
        except RuntimeError:  # `~nobody`: there is no such home
            return path.absolute()

    @property
    def url(self) -> str:
        """The URL as it was typed, where it is one; a folder else, and this is empty."""
        typed = self._field.value.strip()
        return typed if output_url.is_url(typed) else ""

    @property
    def if_exists(self) -> IfExists:
        """What to do about files that are there."""
        return IfExists(self._choice.value)

    def need(self, amount: int) -> None:
        """Say how many bytes are going to be written."""
        self._needed = amount
        self._look_at_disk()

    def take_urls(self, allowed: bool) -> None:
        """Say whether a URL of a store will do as well."""
        self.takes_urls = allowed
        self._look_at_disk()

    @on(Input.Changed, "#folder")
    def _edited(self, event: Input.Changed) -> None:
        event.stop()
        self._look_at_disk()

    @work(group="disk", exclusive=True)
    async def _look_at_disk(self) -> None:
        if url := self.url:
            problem, free_space = self._look_at_url(url), None
        else:
            problem, free_space = await asyncio.to_thread(look_at, self.folder)
        short = free_space is not None and free_space < self._needed
        words = problem or (
            size(free_space) if free_space is not None else "as much as the store has" if url else "unknown"
        )
        if short and not problem:
            words += f", {size(self._needed)} needed: it will not fit"
        self._free.update(content(words, "bold $error" if problem or short else ""))

    def _look_at_url(self, url: str) -> str:
        """Return what is wrong with a URL; empty where nothing is."""
        if not self.takes_urls:
            return "URLs are for datasets on a cluster"
        try:
            output_url.parse(url)
        except MLHubException as error:
            return error.message
        return ""


def look_at(folder: Path) -> tuple[str, int | None]:
    """Return what is wrong with a folder, empty if nothing, and its free space in bytes."""
    from ...fileio import check_writable, free_space

    try:
        check_writable(folder)
    except MLHubException as error:
        return error.message, None
    return "", free_space(folder)
