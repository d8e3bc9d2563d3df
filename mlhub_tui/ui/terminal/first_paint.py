"""First paint: styles are read and applied once."""

from __future__ import annotations

import gc

from textual.app import App

from .dispatch import OnceScreen


class FirstPaintApp(App[int]):
    """An app that reads its style sheets once before the first paint, and looks for garbage after it.

    Whoever starts it stops the garbage collector before the imports: what they make stays.
    """

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
    """A screen that knows its size's classes before it is laid out, and is drawn where it is seen."""

    def take_up_size(self) -> None:
        """Have the classes of the terminal's size, which Textual gives once it has laid out everything."""
        app = self.app
        points = app.HORIZONTAL_BREAKPOINTS or [], app.VERTICAL_BREAKPOINTS or []
        for dimension, classes in zip(app.size, points, strict=True):
            self._classes.update(self._get_breakpoint_classes(dimension, classes))

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
