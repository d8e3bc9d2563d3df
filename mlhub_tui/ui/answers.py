"""What the terminal answers to a question of ours, taken out of what is typed.

Textual reads the terminal as long as the app runs and takes an answer it does not know for keys. So what
graphics the terminal speaks is asked through the app's own driver, when a picture is first wanted: the start
waits for nothing, however long the line is, and an answer that comes late is never typed into the app.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

QUESTION = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[c"
"""Kitty's query for its graphics, the size of a cell in pixels (XTWINOPS 16), then Primary Device Attributes.

Every terminal answers the last one, and in order, so that its answer ends them all (kitty graphics protocol,
"Querying support and available transmission mediums").
"""
_KITTY = re.compile(r"\x1b_Gi=31[^\x1b]*\x1b\\")
_CELL = re.compile(r"\x1b\[6;(\d+);(\d+)t")
_LAST = re.compile(r"\x1b\[\?([\d;]*)c")
_BEGUN = re.compile(r"\x1b(\[(\?[\d;]*|6(;[\d;]*)?)?|_(G[^\x1b]{0,200}\x1b?)?)?\Z")
_HELD_ESCAPE = 2.0
"""Seconds after the question within which a lone ESC may be the first half of an answer."""


class TerminalAnswers:
    """The answers to `QUESTION`; `take` is called in the thread that reads, the rest anywhere."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked = 0.0
        self._held = ""
        self._open = False
        self.complete = threading.Event()
        """Set with the last answer."""
        self.sixel = False
        self.kitty = False
        self.cell: tuple[int, int] | None = None
        """Width and height of a cell in pixels."""

    def ask(self, write: Callable[[str], object]) -> None:
        """Ask, once."""
        if not self._asked:
            self._asked, self._open = self._clock(), True
            write(QUESTION)

    def take(self, typed: str) -> str:
        """Return what was typed without the answers in it; one that is cut in two is held back."""
        if not self._open:
            return typed
        text, self._held = self._held + typed, ""
        if found := _KITTY.search(text):
            self.kitty = ";OK" in found[0]
            text = _KITTY.sub("", text)
        if found := _CELL.search(text):
            high, wide = int(found[1][:6] or 0), int(found[2][:6] or 0)
            self.cell = (wide, high) if 0 < wide <= 200 and 0 < high <= 400 else None
            text = _CELL.sub("", text)
        if found := _LAST.search(text):
            self.sixel = "4" in found[1].split(";")[1:]
            self._open = False
            self.complete.set()
            return _LAST.sub("", text)
        if (begun := _BEGUN.search(text)) is not None and self._may_be_answer(begun[0]):
            text, self._held = text[: begun.start()], begun[0]
        return text

    def _may_be_answer(self, begun: str) -> bool:
        return len(begun) > 2 or self._clock() - self._asked < _HELD_ESCAPE

    def let_go(self) -> str:
        """Return what was held back, as nothing came after it: somebody typed it."""
        held, self._held = self._held, ""
        return held
