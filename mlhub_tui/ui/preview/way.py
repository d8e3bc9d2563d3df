"""In which way pictures are drawn here: as it is set, and as the terminal answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from enum import Enum
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ...config import abilities

if TYPE_CHECKING:
    from ..answers import TerminalAnswers

PATIENCE = 1.0
"""Seconds to wait for the terminal's answers, once, when the first picture is there."""
_TMUX = ("tmux", "display-message", "-p", "#{client_termfeatures}")


class GraphicsMode(Enum):
    """A way to draw pictures, in words for people."""

    BLOCKS = "half blocks"
    SHADES = "characters"
    SIXEL = "sixel"
    KITTY = "kitty graphics"


def plainly(app: Any) -> GraphicsMode | None:
    """Return the way where nobody has to be asked; None where the terminal has."""
    if app.draws_ascii or app.no_color:
        return GraphicsMode.SHADES
    wanted = app.loaded.config.images
    if wanted == "kitty":
        return GraphicsMode.KITTY
    if wanted == "sixel":
        return GraphicsMode.SIXEL if find_spec("textual_image") is not None else GraphicsMode.BLOCKS
    if wanted == "blocks" or not speaks(os.environ) or not hasattr(app._driver, "ask"):
        return GraphicsMode.BLOCKS
    return None


def speaks(environ: Mapping[str, str]) -> bool:
    """Tell whether a terminal may speak graphics, for all that its environment tells.

    GNU screen passes none of them on; the Linux console and the terminals of old have none.
    """
    return not (abilities.plain_terminal(environ) or environ.get("STY"))


async def asked(app: Any) -> GraphicsMode:
    """Ask the terminal and return the way; blocks where it says nothing in time."""
    answers: TerminalAnswers = app._driver.ask()
    async with asyncio.TaskGroup() as group:
        answered = group.create_task(_complete(answers))
        outer = group.create_task(_outer_terminal(os.environ))
    return best(answers, os.environ, outer.result()) if answered.result() else GraphicsMode.BLOCKS


def best(answers: TerminalAnswers, environ: Mapping[str, str], outer: str) -> GraphicsMode:
    """Return the best way that the answers allow.

    Sixel comes first: the terminals that speak both (WezTerm, Konsole) draw it soundly. tmux answers for
    itself: it must draw sixel, and the terminal around it as well; kitty's graphics it does not pass on.
    """
    if (
        answers.sixel
        and find_spec("textual_image") is not None
        and (not environ.get("TMUX") or "sixel" in outer)
    ):
        return GraphicsMode.SIXEL
    return GraphicsMode.KITTY if answers.kitty and not environ.get("TMUX") else GraphicsMode.BLOCKS


async def _complete(answers: TerminalAnswers) -> bool:
    """Wait for the last answer, as long as it is worth."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while not answers.complete.is_set():
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(0.02)
    return True


async def _outer_terminal(environ: Mapping[str, str]) -> str:
    """Return what tmux knows of the terminal around it; empty outside of tmux."""
    if not environ.get("TMUX"):
        return ""
    null, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(*_TMUX, stdin=null, stdout=pipe, stderr=null)
    except OSError:
        return ""
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        return ""
    return said.decode(errors="replace")
