"""What an app under Pilot shows, cell by cell: nothing of it is written to a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from operator import itemgetter
from typing import Any

from textual.app import App
from textual.css.query import NoMatches
from textual.errors import NoWidget
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


def strips(app: App[Any]) -> list[Strip]:
    """Return the lines of the screen in front: of every widget what no other one covers."""
    screen = app.screen
    try:
        whole = screen.find_widget(screen).region
    except NoWidget:
        return []
    screen.get_style_at(0, 0)  # from here on it knows what is behind it
    placed = [(widget, screen.find_widget(widget)) for widget in shown_widgets(screen)]
    placed.sort(key=lambda one: one[1].order)
    free = [[(0, whole.width)] for _ in range(whole.height)]
    pieces: list[list[tuple[int, Strip]]] = [[] for _ in free]
    # From the front to the back, so that what is covered whole is not drawn.
    for widget, place in reversed(placed):
        seen = place.region.intersection(place.clip).intersection(whole)
        left, right = seen.x, seen.right
        rows = [y for y in seen.line_range if any(begin < right and end > left for begin, end in free[y])]
        if not rows:
            continue
        needed = Region(left, rows[0], seen.width, rows[-1] - rows[0] + 1)
        drawn = widget.render_lines(needed.translate(-place.region.offset))
        for y, strip in zip(needed.line_range, drawn, strict=False):  # a resize may be on its way
            rest = []
            for begin, end in free[y]:
                start, stop = max(begin, left), min(end, right)
                if start >= stop:
                    rest.append((begin, end))
                    continue
                pieces[y].append((start, strip.crop(start - left, stop - left)))
                rest += [(begin, start)] * (begin < start) + [(stop, end)] * (stop < end)
            free[y] = rest
    for y, gaps in enumerate(free):
        pieces[y] += [(begin, Strip.blank(end - begin)) for begin, end in gaps]
    return [Strip.join(strip for _, strip in sorted(line, key=itemgetter(0))) for line in pieces]


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
