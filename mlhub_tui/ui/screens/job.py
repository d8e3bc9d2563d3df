"""All about one transfer, brought up to date while it is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from ...queue.job import Job
from ..dispatch import Dialog
from ..draw import line
from ..messages import QueueChanged
from ..sheets.jobs import all_of
from ..sheets.totals import speed_words
from ..transfers.rates import KEPT
from ..widgets.sheet import DetailView

if TYPE_CHECKING:
    from ..app import MLHubApp


class JobScreen(Dialog[None]):
    """Shows a transfer; Enter or Esc closes, `l` shows its log, `y` copies the path.

    Parameters
    ----------
    checks
        By the id of a transfer, what came of reading its file again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(None)", "close", show=False),
        Binding("y", "copy_path", "copy path", show=False),
        Binding("l,L", "log", "log", show=False),
    ]
    CSS = """
    JobScreen > .dialog { width: 100; max-width: 98%; height: 90%; padding: 0 0 0 1; }
    """

    def __init__(self, job: Job, checks: dict[int, str]) -> None:
        super().__init__()
        self._job, self._checks = job, checks
        self._sheet = DetailView()

    def compose(self) -> ComposeResult:
        """Lay out the sheet."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line("Transfer")
            dialog.border_subtitle = line("j k scroll, l log, y copies the path, esc closes")
            yield self._sheet

    def on_mount(self) -> None:
        """Show it, and how long it waits from second to second."""
        self._sheet.focus()
        self._show()
        self.set_interval(1.0, self._show)

    def on_queue_changed(self, message: QueueChanged) -> None:
        """Show what changed."""
        message.stop()
        self._show()

    def _show(self) -> None:
        known = {job.id: job for job in cast("MLHubApp", self.app).jobs}
        self._job = known.get(self._job.id, self._job)
        speed = speed_words(self._job, self._speeds, self._sheet.size.width - 14)
        self._sheet.show(all_of(self._job, self._checks.get(self._job.id, ""), speed), keep_place=True)

    @property
    def _speeds(self) -> list[float]:
        return cast("MLHubApp", self.app).transfers.rates.of(self._job.id).last(KEPT)

    def action_log(self) -> None:
        """Show what happened to it."""
        from .job_log import JobLogScreen

        self.app.push_screen(JobLogScreen(self._job))

    def action_copy_path(self) -> None:
        """Copy the path of the file."""
        cast("MLHubApp", self.app).copy_text(self._job.place, "Path")
