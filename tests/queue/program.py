"""A program with a queue, for tests that kill it: `program.py HOME URL FOLDER [--wide] [NAME...]`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from mlhub_tui.queue.service import QueueService
from tests.queue.support import HASTY, QUICK, WIDE, Links, wish


async def main(home: Path, url: str, folder: Path, names: list[str]) -> None:
    """Download until everything is at rest."""
    wide = names[:1] == ["--wide"]
    names = names[wide:]
    queue = QueueService(
        home / "queue.db", Links(url), retries=HASTY, config=WIDE if wide else QUICK, look=0.1
    )
    queue.start()
    told = asyncio.Event()
    if os.name == "posix":
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
    await queue.add_many([wish(folder, name) for name in names])
    print("started", flush=True)
    work = queue.wait([job.id for job in queue.snapshot()])
    waiting = [asyncio.ensure_future(work), asyncio.ensure_future(told.wait())]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    print([str(job.state) for job in queue.snapshot()], flush=True)
    queue.stop(60)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4:]))
