"""Hands the queue over to a program in the background, without losing a byte."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..errors import MLHubException

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..queue.service import QueueService

_LIMIT = 2.0  # seconds for the transfers to end; usually a tenth is enough


async def hand_over(queue: QueueService, current: Credentials | None) -> str:
    """Stop the queue here, start it in the background, and return what to say of it.

    Parameters
    ----------
    current
        The credentials in use, for jobs that no profile goes with; None for those of the environment.

    Raises
    ------
    MLHubException
        If the background program does not start; then the queue runs here again.
    """
    from ..queue import background

    await asyncio.to_thread(queue.stop, _LIMIT)
    try:
        started = await asyncio.to_thread(background.start, current)
    except MLHubException:
        await asyncio.to_thread(queue.start)
        raise
    said = (
        f"Downloads go on in the background, pid {started.pid}.\n"
        "  `mlhub-tui queue list` shows them, and so does the app;"
        f" the log is {background.log_file()}"
    )
    return f"{said}\n  note: {started.note}" if started.note else said
