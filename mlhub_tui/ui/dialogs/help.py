"""The list of keys: sections with a line for each command; what is searched for is marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widgets import Static

from ..help_entries import HelpEntry, HelpSection
from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog
from ..widgets.filter_bar import FindBar
from ..widgets.line_view import LineView

_FOUND = Style(underline=True, bold=True)
_MOST_KEYS = 14
"""Cells of the keys at most; the keys of longer ones are cut, and told whole below."""


class KeyLine(NamedTuple):
    """A line: a way, a heading, or nothing to part sections."""

    way: HelpEntry | None = None
    heading: str = ""
    here: bool = True


class KeyList(LineView):
    """All ways, or those in which every word that was typed occurs."""

    DEFAULT_CSS = """
    KeyList { height: 1fr; background: $surface; }
    KeyList > .line--header { text-style: bold; color: $primary; }
    KeyList > .line--guides { color: $muted; }
    KeyList > .keys--key { color: $accent; }
    """
    COMPONENT_CLASSES = {"keys--key"}  # noqa: RUF012 - declared so by Textual

    def __init__(self, sections: Sequence[HelpSection], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sections = sections
        self._terms: tuple[str, ...] = ()
        self._lines = [*_lines(sections, ())]
        keys = [way.keys for section in sections for way in section.ways]
        self._keys = min(max(map(cell_len, keys), default=0), _MOST_KEYS)

    def on_mount(self) -> None:
        """Begin on the first way."""
        self.set_reactive(KeyList.cursor_line, self._to_way(0, 1))
        self.count_changed()

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    @property
    def current(self) -> HelpEntry | None:
        """The way under the cursor."""
        return self._lines[self.cursor_line].way if self.cursor_line < len(self._lines) else None

    @property
    def found(self) -> int:
        """How many ways there are."""
        return sum(line.way is not None for line in self._lines)

    def narrow(self, words: str) -> None:
        """Show only the ways in whose keys, words or id every word occurs."""
        self._terms = tuple(words.casefold().split())
        self._lines = [*_lines(self._sections, self._terms)]
        self.count_changed()
        self.set_reactive(KeyList.cursor_line, -1)
        self.cursor_line = self._to_way(0, 1)
        self.refresh()

    # The cursor passes over headings

    def action_cursor_down(self) -> None:
        """Go down to the next way."""
        self.cursor_line = self._to_way(self.cursor_line + 1, 1)

    def action_cursor_up(self) -> None:
        """Go up to the next way."""
        self.cursor_line = self._to_way(self.cursor_line - 1, -1)

    def validate_cursor_line(self, line: int) -> int:
        """Keep the cursor on a way."""
        return self._to_way(super().validate_cursor_line(line), 1)

    def _to_way(self, line: int, step: int) -> int:
        """Return the nearest line with a way, in the direction of the step if there is one."""
        last = len(self._lines) - 1
        ahead = range(line, last + 1) if step > 0 else range(min(line, last), -1, -1)
        behind = range(min(line, last), -1, -1) if step > 0 else range(max(line, 0), last + 1)
        return next((n for n in (*ahead, *behind) if self._lines[n].way is not None), 0)

    def keep_in_sight(self) -> None:
        """Scroll as little as brings the cursor into view, with the heading right above it."""
        super().keep_in_sight()
        above = self.cursor_line - 1
        if above >= 0 and self._lines[above].heading and above < self.scroll_offset.y:
            self.scroll_to(y=above, animate=False, immediate=True)

    # Drawing

    def cursor_column(self) -> int:
        """Return the cell in which the words under the cursor begin."""
        return self._keys + 3

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a heading or a way."""
        way, heading, here = self._lines[number]
        ground = self.ground(number)
        if way is None:
            return Strip([Segment(heading, ground + self.look("header"))])
        key = self.get_component_rich_style("keys--key", partial=True)
        text = ground + (Style() if here else self.look("guides"))
        keys = ground + (key if here else self.look("guides"))
        if number == self.cursor_line:
            keys = text = ground + self.look("cursor")
        column = _fit(way.keys, self._keys)
        words = _fit(way.words, max(width - self._keys - 4, 0))
        return Strip(
            [
                Segment(" ", text),
                *_marked(column, self._terms, keys),
                Segment("  ", text),
                *_marked(words, self._terms, text),
                Segment(" ", text),
            ]
        )


def _lines(sections: Iterable[HelpSection], terms: Sequence[str]) -> list[KeyLine]:
    lines: list[KeyLine] = []
    for section in sections:
        ways = [way for way in section.ways if _has(way, terms)]
        if ways:
            name = section.name if section.here else f"{section.name}, elsewhere"
            lines += [*([KeyLine()] if lines else []), KeyLine(heading=name)]
            lines += [KeyLine(way, here=section.here) for way in ways]
    return lines


def _has(way: HelpEntry, terms: Sequence[str]) -> bool:
    hay = f"{way.keys}\n{way.words}\n{way.title}\n{way.identity}".casefold()
    return all(term in hay for term in terms)


def _fit(text: str, room: int) -> str:
    if cell_len(text) > room:
        text = text[: max(room - 1, 0)] + "…"
    return text + " " * max(room - cell_len(text), 0)


def _marked(text: str, terms: Sequence[str], style: Style) -> list[Segment]:
    """Return a text with what was searched for underlined."""
    low, marks = text.casefold(), [False] * len(text)
    for term in terms:
        at = low.find(term)
        while at >= 0 and len(low) == len(text):
            marks[at : at + len(term)] = [True] * len(term)
            at = low.find(term, at + 1)
    segments, start = list[Segment](), 0
    for end in range(1, len(text) + 1):
        if end == len(text) or marks[end] != marks[start]:
            segments.append(Segment(text[start:end], style + _FOUND if marks[start] else style))
            start = end
    return segments


class HelpScreen(Dialog[HelpEntry | Literal["tour"] | None]):
    """Shows the keys; closes with what is to be done, which is the business of whoever opened it.

    Parameters
    ----------
    sections
        What can be done, the nearest first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "step_back", show=False),
        Binding("q,question_mark,f1", "dismiss(None)", show=False),
        Binding("slash", "search", show=False),
        # Of the field, whose own key it is, where it came right behind what was typed.
        Binding("down", "to_list", show=False),
        Binding("t", "dismiss('tour')", show=False),
    ]
    CSS = """
    HelpScreen > .dialog { width: 106; height: 94%; padding: 0 0 0 1; }
    HelpScreen #about { height: 3; padding: 0 1; border-top: solid $line; color: $muted; }
    HelpScreen.-short #about { height: 2; border-top: none; }
    """
    AUTO_FOCUS = "KeyList"

    def __init__(self, sections: Sequence[HelpSection]) -> None:
        super().__init__()
        self._dialog, self._about = Vertical(classes="dialog"), Static(id="about")
        self._list = KeyList(sections)
        self._bar: FindBar | None = None

    def compose(self) -> ComposeResult:
        """Lay out the list above what is said of the key under the cursor."""
        with self._dialog as dialog:
            dialog.border_title = line("Keys")
            dialog.border_subtitle = line("enter runs, / searches, t first steps, esc closes")
            yield self._list
            yield self._about

    def on_mount(self) -> None:
        """Say what is under the cursor."""
        self._explain()

    @on(KeyList.Moved)
    def _moved(self, message: KeyList.Moved) -> None:
        message.stop()
        self._explain()

    def _explain(self) -> None:
        way = self._list.current
        words = Content("Nothing is called so.")
        if way is not None:
            words = content(f"{way.keys}  ", "bold $accent") + content(way.words)
            if way.identity:
                words += content(
                    f"\n{'' if way.target else 'Not on this screen. '}In config.toml: {way.identity}"
                )
        self._about.update(words)

    @on(KeyList.Chosen)
    def _chosen(self, message: KeyList.Chosen) -> None:
        message.stop()
        way = self._list.current
        if way is not None and way.target is not None:
            self.dismiss(way)
        elif way is not None:
            words = content("That is done on another screen, where the key works.", "$warning")
            self._about.update(words)

    # Searching

    async def action_search(self) -> None:
        """Type what to look for."""
        if self._bar is None:
            self._bar = FindBar("", "a key, or what it does")
        await self._bar.open_in(self._dialog, before=self._about)

    @on(FindBar.Edited)
    def _edited(self, message: FindBar.Edited) -> None:
        message.stop()
        keys = self._list
        keys.narrow(message.value)
        if self._bar is not None:
            self._bar.say(f"{keys.found}" if message.value else "")
        self._explain()

    @on(FindBar.Closed)
    def _search_ended(self, message: FindBar.Closed) -> None:
        """Go on in the list; Esc shows all keys again."""
        message.stop()
        if not message.keep:
            if self._bar is not None:
                self._bar.remove()
                self._bar = None
            self._list.narrow("")
        self._list.focus()

    def action_to_list(self) -> None:
        """Go on in the list with what was found."""
        self._list.focus()

    def action_step_back(self) -> None:
        """Show all keys again, else close."""
        if self._bar is not None:
            self._search_ended(FindBar.Closed(keep=False))
        else:
            self.dismiss(None)
