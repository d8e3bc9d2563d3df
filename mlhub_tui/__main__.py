"""The command `mlhub-tui`, also `python -m mlhub_tui`: answers `--version` before anything is imported."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from io import TextIOWrapper

from . import __version__


def main() -> None:
    """Run the command line and exit with its code.

    What cannot be written, as to a full disk, is an error; a pipe that nobody reads any more ends it quietly.
    Ctrl+C ends it with 130, whenever it comes.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the program that started it
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: PTH123, SIM115
    gc.set_threshold(100_000)  # by default what is imported is searched a hundred times: 40 ms
    code: object = 0
    try:
        try:
            _run()
        except SystemExit as ended:
            code = ended.code
        except KeyboardInterrupt:  # while it starts: later, commands end in order
            sys.stderr.write("interrupted\n")
            code = 130
        _die_quietly()
        sys.stdout.flush()
    except OSError as error:
        # The interpreter would try again at its end, and show a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError) and code in (0, None):
            sys.stderr.write(f"mlhub-tui: error: the output cannot be written: {error.strerror}\n")
        code = code or 1
    except KeyboardInterrupt:
        code = code or 130
    if "asyncio" in sys.modules and (code is None or isinstance(code, int)):
        _leave(code or 0)
    sys.exit(code)  # type: ignore[arg-type]  # what an exit had


def _leave(code: int) -> None:
    """End at once unless a thread is to be waited for: else what is loaded is freed first, in up to 0.1 s."""
    threading = sys.modules["threading"]  # loaded with asyncio
    if all(thread.daemon or thread is threading.main_thread() for thread in threading.enumerate()):
        try:
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _die_quietly() -> None:
    """Let Ctrl+C kill the program from here on, where the interpreter only cleans up and shows tracebacks."""
    signal = sys.modules.get("signal")
    if signal is not None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _run() -> None:
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"mlhub-tui {__version__}\n")
        return
    for stream in (sys.stdout, sys.stderr):
        # A title that the terminal's encoding does not have is no reason to fail.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    from .cli import root

    root(prog_name="mlhub-tui")


if __name__ == "__main__":
    main()
