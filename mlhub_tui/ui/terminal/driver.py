"""POSIX terminal driver: survives hang-ups, suspends and resumes, and parses answers to terminal queries."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key, Paste

from ...text import clean

if TYPE_CHECKING:
    from typing import TextIO

    from textual.app import App


_UNTITLED = frozenset({"", "dumb", "linux", "vt100", "vt220"})
"""Terminals without a title, by TERM."""


class Outlet:
    """Writes to the terminal until that is gone; then it takes in everything and says nothing.

    The thread that writes must not die of a terminal that went away: its queue would fill up, and the program
    would wait for room in it for ever.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._gone = False

    def write(self, text: str) -> None:
        """Write text; what the terminal's encoding lacks is replaced."""
        if self._gone:
            return
        try:
            self._file.write(text)
        except UnicodeEncodeError:
            encoding = self._file.encoding or "ascii"
            self._file.write(text.encode(encoding, "replace").decode(encoding))
        except OSError:
            self._gone = True

    def flush(self) -> None:
        """Pass on what was written."""
        if self._gone:
            return
        try:
            self._file.flush()
        except OSError:
            self._gone = True

    def fileno(self) -> int:
        """Return the terminal's file descriptor."""
        return self._file.fileno()


class TerminalDriver(LinuxDriver):
    """Textual's driver, with differences.

    - The cursor, which is always on the current row, is shown where that is wanted.
    - What the terminal answers to questions of our own is not taken for keys, nor is anything that is pasted.
    - Writing to a terminal that went away is no error, and neither is reading from it.
    - SIGTSTP is acted on between two steps of the event loop, never in the middle of a write.
    - SIGCONT after a stop that nobody announced (SIGSTOP) sets up the terminal once more instead of a second
      time: Textual starts a second pair of threads then, keeps the raw mode as the one to return to, and
      hangs at the end.
    """

    _title = ""
    _titled = False

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self.answers = TerminalAnswers()
        if self._file is not None:
            self._file = cast("Any", Outlet(self._file))

    def start_application_mode(self) -> None:
        """Take the terminal over."""
        cast("Any", super()).start_application_mode()  # without a type of its own
        if (forget := getattr(self._app, "forget_shown", None)) is not None:
            forget()
        self.set_title(self._title)
        if getattr(self._app, "shows_cursor", False):
            self.show_cursor(True)

    def show_cursor(self, shown: bool) -> None:
        """Show the terminal's own cursor from here on, or hide it, as Textual does."""
        self.write("\x1b[?25h" if shown else "\x1b[?25l")
        self.flush()

    def stop_application_mode(self) -> None:
        """Give the terminal back, with the title that it had."""
        if self._title:
            # Where titles cannot be saved (XTWINOPS 22 and 23) it is empty now, which is better than ours.
            self.write("\x1b]2;\a\x1b[23;0t")
            self._titled = False
        super().stop_application_mode()

    def set_title(self, title: str) -> None:
        """Have the window named from here on; an empty title leaves it as it is.

        - `title`: Of plain characters.
        """
        if not title or os.environ.get("TERM", "") in _UNTITLED:
            return
        if not self._titled:
            self.write("\x1b[22;0t")
        self._titled, self._title = True, title
        self.write(f"\x1b]2;{title}\a")
        self.flush()

    def use_mouse(self, used: bool) -> None:
        """Take the mouse, or leave it to the terminal, from here on."""
        self._disable_mouse_support()
        self._mouse = used
        self._enable_mouse_support()

    def _sigtstp_application(self, *_: int | FrameType | None) -> None:
        self._loop.call_soon_threadsafe(super()._sigtstp_application)

    def _sigcont_application(self, *_: int | FrameType | None) -> None:
        if self._must_signal_resume or not self._auto_restart:
            super()._sigcont_application()
        else:
            self._loop.call_soon_threadsafe(self._start_over)

    def _start_over(self) -> None:
        if self._writer_thread is None or not self._writer_thread.is_alive() or self._app._exit:
            return
        self.suspend_application_mode()
        self._must_signal_resume = True
        self.resume_application_mode()

    def ask(self) -> TerminalAnswers:
        """Ask the terminal, once, what graphics it speaks; return the answers, which come as they come."""
        self.answers.ask(self.write)
        self.flush()
        return self.answers

    def ask_background(self, answered: Callable[[bool], None]) -> None:
        """Ask the terminal for its background; tell in the event loop, if it answers, whether it is light."""
        if os.environ.get("TERM", "") in _UNTITLED:
            return  # some of these would print the question
        self.answers.ask_background(
            self.write, lambda light: self._loop.call_soon_threadsafe(answered, light)
        )
        self.flush()

    def run_input_thread(self) -> None:
        """Read what is typed and pass it on, as Textual's own does, less what is an answer."""
        parser, decode = XTermParser(self._debug), getincrementaldecoder("utf-8")("replace").decode
        pastes, escapes = BracketedPaste(), EscapeKey()
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            try:
                while not self.exit_event.is_set():
                    ready = bool(selector.select(0.1))
                    if ready:
                        data = decode(os.read(self.fileno, 4096))
                        typed = self.answers.take(data) if data else ""
                    else:
                        typed = self.answers.let_go()
                    for part in pastes.take(typed):
                        for piece in escapes.take(part) if isinstance(part, str) else (part,):
                            for event in parser.feed(piece) if isinstance(piece, str) else (piece,):
                                self.process_message(event)
                    for event in (*parser.tick(), *(() if ready else escapes.let_go())):
                        self.process_message(event)
            finally:
                with contextlib.suppress(EOFError, ParseError):
                    for _ in parser.feed(""):
                        pass

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except OSError:
            self._loop.call_soon_threadsafe(self._app.exit, 128 + signal.SIGHUP)


class EscapeKey:
    """Tells Esc and the key pressed right behind it from Alt with that key, which no key of ours is.

    Both are the same bytes. Textual's parser takes them for Alt, for a letter with an accent, or for the
    second key alone; on a slow line a key that was pressed behind Esc comes in one packet with it. Left to
    the parser are the beginnings of sequences (`[`, `O` and strings), Tab, and what fields move and delete
    by words with, which terminals send as Alt too.
    """

    _BEHIND = re.compile(r"\x1b+(?=[^\x1b\t\x7f\[\]OPX^_\\bf])")

    def __init__(self) -> None:
        self._held = ""

    def take(self, typed: str) -> Iterator[str | Key]:
        """Yield what was typed, with an event for each Esc that is a key; the last one is held back."""
        text, at = self._held + typed, 0
        for found in self._BEHIND.finditer(text):
            if before := text[at : found.start()]:
                yield before
            yield from (Key("escape", "\x1b") for _ in found[0])
            at = found.end()
        end = len(text) - text.endswith("\x1b")
        self._held = text[end:]
        if rest := text[at:end]:
            yield rest

    def let_go(self) -> Iterator[Key]:
        """Yield the Esc that was held back, as nothing came after it."""
        if self._held:
            self._held = ""
            yield Key("escape", "\x1b")


_LINE_BREAK = re.compile("\r\n?")
"""What terminals make of a line break that is pasted: the Enter key."""


class BracketedPaste:
    """Takes what is pasted out of what is typed (xterm's mode 2004).

    Textual's parser takes text for keys from an escape character in it on: a copied line could remove a file.
    """

    START, END = "\x1b[200~", "\x1b[201~"
    PATIENCE = 2.0
    """Seconds without input after which a paste that was not ended is taken for whole."""

    def __init__(self) -> None:
        self._pieces: list[str] | None = None
        self._tail = ""
        self._since = 0.0

    def take(self, typed: str) -> Iterator[str | Paste]:
        """Yield what was typed, and what was pasted as events; called without input too."""
        if typed:
            self._since = time.monotonic()
        elif self._pieces is not None and time.monotonic() - self._since > self.PATIENCE:
            yield self._pasted(self._tail)
        while typed:
            if self._pieces is None:
                before, begun, typed = typed.partition(self.START)
                if before:
                    yield before
                if begun:
                    self._pieces, self._tail = [], ""
                continue
            text, ended, typed = (self._tail + typed).partition(self.END)
            if ended:
                yield self._pasted(text)
            else:  # the end of a paste may be cut in two
                cut = max(len(text) - len(self.END) + 1, 0)
                self._pieces.append(text[:cut])
                self._tail = text[cut:]

    def _pasted(self, last: str) -> Paste:
        text = "".join([*(self._pieces or ()), last])
        self._pieces = None
        return Paste(clean(_LINE_BREAK.sub("\n", text)))


QUESTION = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[c"
"""Kitty's query for its graphics, the size of a cell in pixels (XTWINOPS 16), then Primary Device Attributes.

Every terminal answers the last one, and in order, so that its answer ends them all (kitty graphics protocol,
"Querying support and available transmission mediums").
"""
_KITTY = re.compile(r"\x1b_Gi=31[^\x1b]*\x1b\\")
_CELL = re.compile(r"\x1b\[6;(\d+);(\d+)t")
_LAST = re.compile(r"\x1b\[\?([\d;]*)c")
BACKGROUND_QUESTION = "\x1b]11;?\x1b\\"
"""What the background is (OSC 11 of xterm's control sequences); the answer is in a form of XParseColor."""
_BACKGROUND = re.compile(
    r"(?:\x1b|\A)\]11;(?:rgba?:([\da-f]{1,4})/([\da-f]{1,4})/([\da-f]{1,4})[^\a\x1b]*|[^\a\x1b]{0,60})"
    r"(?:\a|\x1b\\)",
    re.IGNORECASE,
)
"""An answer; without its ESC where that was cut off before it and let go."""
_BEGUN = re.compile(
    r"\x1b(\[(\?[\d;]*|6(;[\d;]*)?)?|_(G[^\x1b]{0,200}\x1b?)?|\](1(1(;[^\a\x1b]{0,60}\x1b?)?)?)?)?\Z"
)
_HALF = re.compile(r"\x1b\]11;[rgba:\da-f/]{0,40}", re.IGNORECASE)
"""The first half of a background, which nobody types: none of it is a key, however late the rest is."""
_HELD_ESCAPE = 2.0
"""Seconds after the question within which a lone ESC may be the first half of an answer.

As long is the second half of one waited for.
"""
_HELD_BACKGROUND = 60.0
"""Seconds that the second half of a background is waited for: a line that stalls brings it in the end."""


class TerminalAnswers:
    """The answers to `QUESTION` and `BACKGROUND_QUESTION`.

    `take` and `let_go` are called in the thread that reads, the rest anywhere.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked = self._asked_background = 0.0
        self._held, self._held_since = "", 0.0
        self._open = False
        self._took_background: Callable[[bool], object] | None = None
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

    def ask_background(self, write: Callable[[str], object], answered: Callable[[bool], object]) -> None:
        """Ask for the background; `answered` is called in the thread that reads."""
        self._took_background, self._asked_background = answered, self._clock()
        write(BACKGROUND_QUESTION)

    def take(self, typed: str) -> str:
        """Return what was typed without the answers in it; one that is cut in two is held back."""
        if not self._open and self._took_background is None:
            return typed
        is_late = self._held != "" and self._clock() - self._held_since >= _HELD_ESCAPE
        text, self._held = self._held + typed, ""
        if self._took_background is not None and (found := _BACKGROUND.search(text)):
            text = text[: found.start()] + text[found.end() :]
            if found[1]:
                self._took_background(_is_light(*found.groups()))
            self._took_background = None
        elif is_late and (half := _HALF.match(text)) and text[half.end() :] not in ("", "\x1b"):
            text = text[half.end() :]  # a key: the other half was lost
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
        asked = max(self._asked, self._asked_background)
        begun = _BEGUN.search(text)
        if begun and (len(begun[0]) > 2 or self._clock() - asked < _HELD_ESCAPE):
            text, self._held, self._held_since = text[: begun.start()], begun[0], self._clock()
        return text

    def let_go(self) -> str:
        """Return what was held back, as nothing came after it: somebody typed it, or the rest never came."""
        half = _HALF.match(self._held)
        typed = self._held[half.end() :] if half else self._held
        patience = _HELD_BACKGROUND if half and typed in ("", "\x1b") else _HELD_ESCAPE
        if len(self._held) > 1 and self._clock() - self._held_since < patience:
            return ""
        self._held = ""
        return typed


def _is_light(*channels: str) -> bool:
    """Tell whether a colour, of 1 to 4 hexadecimal digits a channel, is nearer to white than to black."""
    red, green, blue = (int(digits, 16) / int("f" * len(digits), 16) for digits in channels)
    return 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
