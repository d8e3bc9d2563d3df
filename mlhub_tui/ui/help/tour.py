"""The first steps: five lines at the first start, gone at the first key."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from ..commands import COMMANDS

_STEPS = (
    (("list.down", "list.up", "browse.open", "browse.expand"), "down, up, open, look inside"),
    (("browse.filter", "browse.search", "browse.map"), "filter the list, search items, map"),
    (("browse.download", "app.downloads"), "download, and see how far it is"),
    (("app.open", "app.profiles"), "open another catalog, see sources"),
    (("app.help", "app.palette", "app.quit"), "all keys, any command, quit"),
)


class Tour(Static):
    """The first steps, in a frame above the hints."""

    DEFAULT_CSS = """
    Tour { height: auto; width: 1fr; background: $surface; border: round $primary-muted; padding: 0 1;
        border-title-color: $accent; border-subtitle-color: $muted; }
    """

    def __init__(self, steps: Content) -> None:
        super().__init__(steps)
        self.border_title = Content("First steps")
        self.border_subtitle = Content("any key goes on; ? t shows this again")

    def on_click(self, event: Click) -> None:
        """Go away."""
        event.stop()
        self.remove()


def tour_lines(steps: Sequence[tuple[Sequence[str], str]] = _STEPS) -> Content:
    """Return the five lines, with the keys as they are set."""
    keys = {command.id: command.key for command in COMMANDS}
    named = [("  ".join(keys[one] for one in ids), words) for ids, words in steps]
    widest = max(len(shown) for shown, _ in named)
    return Content("\n").join(
        Content.styled(shown.ljust(widest), "bold $accent") + Content(f"  {words}") for shown, words in named
    )
