"""Texts that were read, a few of them, so that a sheet that is set again need not read them again."""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Iterable

from .parse import MarkdownPiece, parse

KEPT = 8
QUICK = 2_000
"""Characters that are read at once: even the worst of them take no more than a key press may."""


class MarkdownCache:
    """The pieces of the texts that were read last."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, list[MarkdownPiece]] = OrderedDict()

    def __getitem__(self, text: str) -> list[MarkdownPiece] | None:
        """Return a text in pieces; None while it is still to be read (`read`)."""
        known = self._known.get(text)
        if known is None and len(text) <= QUICK and "markdown_it" in sys.modules:
            known = self._keep(text, parse(text))
        return known

    async def read(self, texts: Iterable[str]) -> None:
        """Read texts in a thread; the first time what reads them is imported there."""
        for text in texts:
            if text not in self._known:
                self._keep(text, await asyncio.to_thread(parse, text))

    def _keep(self, text: str, pieces: list[MarkdownPiece]) -> list[MarkdownPiece]:
        self._known[text] = pieces
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return pieces
