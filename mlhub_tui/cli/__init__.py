"""The command line: the app's options, and what can be done without the app."""

from .command import root

__all__ = ["root"]
