"""The row of a dialog that says who fetches: this machine, or the workers of a cluster."""

from __future__ import annotations

import os

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Label

from ...options import ClusterConfig
from .choice import ChoiceField
from .form import field

HERE, CLUSTER = "this machine", "Dask cluster"
_ADDRESS = "DASK_SCHEDULER_ADDRESS"


class EngineRow(Horizontal):
    """A choice, and the address of a scheduler where it is asked for."""

    DEFAULT_CSS = """
    EngineRow { height: auto; width: 1fr; }
    EngineRow ChoiceField { width: 31; }
    EngineRow Input { display: none; }
    EngineRow.-cluster Input { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(classes="row")
        address = os.environ.get(_ADDRESS, "")
        self._address = field("scheduler", address, placeholder="tcp://host:8786, or empty")

    def compose(self) -> ComposeResult:
        """Lay out the row."""
        yield Label(Content("Engine"), classes="name")
        yield ChoiceField([HERE, CLUSTER], id="engine")
        yield self._address

    @property
    def cluster(self) -> ClusterConfig | None:
        """The cluster that is chosen; None for this machine alone."""
        if not self.has_class("-cluster"):
            return None
        return ClusterConfig(self._address.value.strip())

    @on(ChoiceField.Changed, "#engine")
    def _changed(self, message: ChoiceField.Changed) -> None:
        self.set_class(message.choice.value == CLUSTER, "-cluster")
