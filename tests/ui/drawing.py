"""What an app under Pilot shows, cell by cell: nothing of it is written to a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from textual.app import App
from textual.css.query import NoMatches
from textual.errors import NoWidget
from textual.strip import Strip
from textual.widget import Widget


def strips(app: App[Any]) -> list[Strip]:
    """Return the lines of the screen in front: every widget drawn over those below it."""
    screen = app.screen
    try:
        whole = screen.find_widget(screen).region
    except NoWidget:
        return []
    screen.get_style_at(0, 0)  # from here on it knows what is behind it
    placed = [(widget, screen.find_widget(widget)) for widget in shown_widgets(screen)]
    lines = [Strip.blank(whole.width) for _ in range(whole.height)]
    for widget, place in sorted(placed, key=lambda one: one[1].order):
        seen = place.region.intersection(place.clip).intersection(whole)
        if not seen:
            continue
        drawn = widget.render_lines(seen.translate(-place.region.offset))
        for y, strip in zip(seen.line_range, drawn, strict=False):  # a resize may be on its way
            line = lines[y]
            lines[y] = Strip.join([line.crop(0, seen.x), strip, line.crop(seen.right)])
    return lines


def screen_text(app: App[Any]) -> str:
    """Return what is on the screen, line by line."""
    return "\n".join(strip.text.rstrip() for strip in strips(app))


def shown_widgets(screen: Widget) -> Iterator[Widget]:
    """Yield the widgets that have a place on a screen, and their scrollbars."""
    for node in screen.walk_children(with_self=True):
        if isinstance(node, Widget):
            bars = (node.vertical_scrollbar, node.horizontal_scrollbar, node.scrollbar_corner)
            enabled = (*node.scrollbars_enabled, all(node.scrollbars_enabled))
            for widget in (node, *(bar for bar, on in zip(bars, enabled, strict=True) if on)):
                with suppress(NoWidget, NoMatches):
                    screen.screen.find_widget(widget)
                    if widget.visible:
                        yield widget
