"""The app beneath ours: dispatch, rendering and input together, and what Textual offers in private alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from textual._context import active_app

from .diff_rendering import DiffRenderingApp
from .dispatch import DispatchApp
from .first_paint import FirstPaintApp
from .resize import ResizeApp
from .type_ahead import TypeAheadApp

if TYPE_CHECKING:
    from textual.app import App
    from textual.geometry import Size
    from textual.screen import Screen
    from textual.scroll_view import ScrollView
    from textual.widget import Widget


class TerminalApp(DispatchApp, FirstPaintApp, ResizeApp, DiffRenderingApp, TypeAheadApp):
    """An app that knows its terminal, and the screens on all of its stacks."""

    @property
    def terminal(self) -> Any:
        """The driver of the terminal; None before there is one."""
        return self._driver

    def write_terminal(self, sequence: str) -> None:
        """Write a control sequence, as `App.bell` does."""
        if self._driver is not None:
            self._driver.write(sequence)
            self._driver.flush()

    @property
    def has_screen(self) -> bool:
        """Whether there is a screen already, and still."""
        return bool(self._screen_stack)

    def screens_of(self, mode: str) -> list[Screen[Any]]:
        """Return the screens of a mode, the one in front last."""
        return [*self._screen_stacks.get(mode, [])]

    def all_screens(self) -> Iterator[Screen[Any]]:
        """Yield the screens of all modes."""
        for mode in [*self._screen_stacks]:
            yield from self.screens_of(mode)

    def took_fault(self, error: Exception) -> bool:
        """Take an exception that nothing caught; False leaves it to Textual."""
        return False

    def _handle_exception(self, error: Exception) -> None:
        if not self.took_fault(error):
            super()._handle_exception(error)

    def took_key(self, key: str) -> bool:
        """Act on a key that nothing is bound to in front; False leaves it alone."""
        return False

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        return await super()._check_bindings(key, priority) or (not priority and self.took_key(key))


def running_app() -> App[Any] | None:
    """Return the app that runs in this context."""
    return active_app.get(None)


def set_content_size(view: ScrollView, size: Size) -> None:
    """Set the size of what a view scrolls over.

    Not through `virtual_size`, which would lay out the screen and draw all of the view again.
    """
    view.set_reactive(type(view).virtual_size, size)
    view._scroll_update(size)


def is_closing(widget: Widget) -> bool:
    """Tell whether a widget is being taken down."""
    return widget._pruning
