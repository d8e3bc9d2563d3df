"""The command `mlhub-tui`, also `python -m mlhub_tui`: answers `--version` before anything is imported."""

from __future__ import annotations

import gc
import os
import sys
from io import TextIOWrapper

from . import __version__


def main() -> None:
    """Run the command line and exit with its code.

    What cannot be written, as to a full disk, is an error; a pipe that nobody reads any more ends it quietly.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started it
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: PTH123, SIM115
    gc.set_threshold(20_000)  # by default what is imported is searched a hundred times: 15 ms
    code: object = 0
    try:
        try:
            _run()
        except SystemExit as ended:
            code = ended.code
        sys.stdout.flush()
    except OSError as error:
        # The interpreter would try again at its end, and show a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError) and code in (0, None):
            sys.stderr.write(f"mlhub-tui: error: the output cannot be written: {error.strerror}\n")
        code = code or 1
    sys.exit(code)  # type: ignore[arg-type]  # what an exit had


def _run() -> None:
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"mlhub-tui {__version__}\n")
        return
    for stream in (sys.stdout, sys.stderr):
        # A title that the terminal's encoding does not have is no reason to fail.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    from .cli import root

    if "_MLHUB_TUI_COMPLETE" in os.environ:
        from .cli.completion import register

        register()
    root(prog_name="mlhub-tui")


if __name__ == "__main__":
    main()
