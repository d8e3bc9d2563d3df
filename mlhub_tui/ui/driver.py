"""The driver of a POSIX terminal: Textual's, for terminals that go away and stops that nobody announced."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
from codecs import getincrementaldecoder
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from .answers import TerminalAnswers

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
    - What the terminal answers to questions of our own is not taken for keys.
    - Writing to a terminal that went away is no error, and neither is reading from it.
    - SIGTSTP is acted on between two steps of the event loop, never in the middle of a write.
    - SIGCONT after a stop that nobody announced (SIGSTOP) sets up the terminal once more instead of a second
      time: Textual starts a second pair of threads then, keeps the raw mode as the one to return to, and
      hangs at the end.
    """

    _title = ""
    _titled = False

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
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
            # Where titles cannot be kept (XTWINOPS 22 and 23) it is empty now, which is better than ours.
            self.write("\x1b]2;\a\x1b[23;0t")
            self._titled = False
        super().stop_application_mode()

    def set_title(self, title: str) -> None:
        """Have the window named from here on; an empty title leaves it as it is.

        Parameters
        ----------
        title
            Of plain characters.
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

    def run_input_thread(self) -> None:
        """Read what is typed and pass it on, as Textual's own does, less what is an answer."""
        parser, decode = XTermParser(self._debug), getincrementaldecoder("utf-8")("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            try:
                while not self.exit_event.is_set():
                    if selector.select(0.1):
                        data = decode(os.read(self.fileno, 4096))
                        typed = self.answers.take(data) if data else ""
                    else:
                        typed = self.answers.let_go()
                    for event in parser.feed(typed) if typed else ():
                        self.process_message(event)
                    for event in parser.tick():
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
