"""A picture of characters that was drawn elsewhere; tells when it has room for another size."""

from __future__ import annotations

from textual.app import RenderResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from ..plan.plan_pictures import Picture


class PictureView(Widget):
    """Shows the lines it is given."""

    DEFAULT_CSS = "PictureView { background: $background; padding: 0 1; }"

    class Resized(Message):
        """There is another amount of room."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picture: Picture = ()

    def show(self, picture: Picture) -> None:
        """Show a picture; the same one is not drawn again."""
        if picture != self._picture:
            self._picture = picture
            self.refresh()

    @property
    def room(self) -> tuple[int, int]:
        """Columns and rows of a picture that fits; 0 while it is hidden."""
        return (self.content_size.width, self.content_size.height) if self.display else (0, 0)

    def on_resize(self) -> None:
        """Tell of it."""
        self.post_message(self.Resized())

    def render(self) -> RenderResult:
        """Draw the lines: digits and dots of our own, whose spaces count."""
        return Content("\n").join(Content.styled(text, style) for text, style in self._picture)
