"""The app beneath ours: first paint, sizes, dispatch, rendering, faults, and what is private in Textual."""

from __future__ import annotations

import gc
import inspect
import traceback
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual._compositor import Compositor, CompositorMap, ReflowResult
from textual._context import active_app
from textual.app import App
from textual.css.query import NoMatches
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.geometry import Offset, Size
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import WorkerFailed

from ... import fileio, paths
from ...text import one_line, redact
from .diff_rendering import DiffRenderingApp
from .dispatch import DispatchApp, OnceScreen

if TYPE_CHECKING:
    from textual.scroll_view import ScrollView


class CachedStylesheet(Stylesheet):
    """A stylesheet that parses a source once for the variables in use.

    Textual parses all of them again for each screen with rules of its own, and each new mode.
    """

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache.grow(512)  # of 64 sources, none would be found again once there are 65

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take up other variables; the same ones leave what was parsed."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse the sources that were not parsed yet."""
        self.parse()


class FirstPaintApp(App[int]):
    """An app that reads its style sheets once before the first paint, and looks for garbage after it.

    The caller disables the garbage collector before the imports: the objects they create stay.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.stylesheet = CachedStylesheet(variables=self.stylesheet._variables)

    def on_ready(self) -> None:
        """Look for garbage from the first paint on, but never again in what was there by then."""
        if not gc.isenabled():
            self.call_after_refresh(gc.freeze)
            self.call_after_refresh(gc.enable)

    def refresh_css(self, animate: bool = True) -> None:
        """Take up new colours and rules.

        Until the first screen is laid out there is nothing to take up again: what is mounted has its styles
        from the rules that are there by then, and the stylesheet parses new ones as they come.
        """
        sheet, variables = self.stylesheet, self.get_css_variables()
        if self._dom_ready or (sheet._rules and sheet._variables != variables):
            super().refresh_css(animate)
        elif sheet._variables != variables:
            sheet.set_variables(variables)


class FirstPaintScreen(OnceScreen[None]):
    """A screen that is drawn where it is seen."""

    def _compositor_refresh(self) -> None:
        if self.app._batch_count:
            return  # it would be drawn, thrown away, and taken for drawn
        if self._repaint_required and self.size.region in self._compositor._dirty_regions:
            self._repaint_required = False  # all of it is drawn now
        changed = self._compositor._dirty_regions.copy()
        super()._compositor_refresh()
        # Textual tells the dialog in front that something changed behind it, but not one between the two.
        stack = self.app.screen_stack
        if changed and self in stack:
            for between in stack[stack.index(self) + 1 : -1]:
                between.refresh(*changed)


class ResizeCompositor(Compositor):
    """Sends a Resize to widgets whose size differs from the last one sent.

    Textual 8.2 compares a new layout with the places it knows of. Where a widget is mounted, and something
    asks for the place of any widget before the screen is laid out, the new one is among these already: it is
    never told its size, nor drawn.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: CompositorMap = {}

    def reflow(self, parent: Widget, size: Size) -> ReflowResult:
        """Lay out, and return who is to be told of it."""
        self._full_map = self._told
        result = super().reflow(parent, size)
        self._told = self._full_map
        return result


class ResizeApp(App[int]):
    """An app whose screens are all laid out so, and styled once, as they are mounted."""

    def _register(self, parent: DOMNode, *widgets: Widget, **more: Any) -> list[Widget]:
        for widget in widgets if parent is self else ():
            if isinstance(widget, Screen):
                widget._compositor = ResizeCompositor()
                widget._css_update_count = self._css_update_count
                self._add_rules(widget)
            if isinstance(widget, OnceScreen):
                widget.add_size_classes()
        return super()._register(parent, *widgets, **more)

    def _add_rules(self, screen: Screen[Any]) -> None:
        """Add the rules of a screen before it is styled: Textual styles all that is open again for them."""
        if screen.CSS:
            kind = type(screen)
            at = (inspect.getfile(kind), f"{kind.__name__}.CSS")
            self.stylesheet.add_source(screen.CSS, read_from=at, scope=kind.__name__)


class TerminalApp(DispatchApp, FirstPaintApp, ResizeApp, DiffRenderingApp):
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
        return bool(self.screen_stack)

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


def caret_of(screen: Screen[Any]) -> Offset:
    """Return the cell that the keys act on: of the focused widget, else of the dialog in front."""
    focused = screen.focused
    if focused is not None:
        at = getattr(focused, "cursor_screen_offset", None)
        return at if isinstance(at, Offset) else _start(focused)
    for dialog in screen.query(".dialog"):
        return next((_start(part) for part in dialog.children if part.region), _start(dialog))
    return Offset(0, 0)


def _start(widget: Widget) -> Offset:
    """Return the first cell of what a widget holds, without its frame."""
    return widget.content_region.offset


def keep_traceback(error: BaseException) -> str:
    """Write the traceback to the log folder and return the lines to leave on the terminal.

    Keys in URLs are redacted; local variables, which may hold keys, are not written.
    """
    # A failed worker holds what it failed of, but does not chain it.
    failed = getattr(error, "error", None)
    cause = error.__cause__ or failed or error
    while isinstance(cause, BaseExceptionGroup) and len(cause.exceptions) == 1:
        cause = cause.exceptions[0]
    what = f"{type(cause).__name__}: {redact(one_line(cause, 200))}"
    written = redact("".join(traceback.format_exception(failed or error)))
    path = paths.log_dir() / f"crash-{datetime.now():%Y%m%d-%H%M%S}.log"
    try:
        fileio.make_private_folder(path.parent)
        fileio.write_atomic(path, written)
        details = f"details: {path}"
    except OSError as trouble:
        details = f"details could not be written to {path}: {trouble.strerror}"
    headline = f"mlhub-tui: error: this should not have happened: {what}"
    return f"{headline}\nDownloads resume on next start; {details}"


def missed_while_closing(app: App[int], error: BaseException) -> bool:
    """Tell whether an error is only that a widget was gone, or never came, as the app was taken down.

    A screen that is put up while the app ends gets its handlers called all the same, without its widgets.
    """
    cause = error.error if isinstance(error, WorkerFailed) else error
    return isinstance(cause, NoMatches) and not app.is_running
