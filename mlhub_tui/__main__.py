"""The command `mlhub-tui`, also `python -m mlhub_tui`: answers `--version` before anything is imported."""

from __future__ import annotations

import sys
from io import TextIOWrapper

from . import __version__


def main() -> None:
    """Run the command line and exit with its code."""
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
