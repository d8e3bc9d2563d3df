"""Blocking work beside an event loop: how it ends when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from mlhub_tui.concurrency import in_thread


async def test_work_that_is_interrupted_has_time_to_end_also_where_it_is_cancelled_twice() -> None:
    told, ended = threading.Event(), threading.Event()

    def work() -> None:
        told.wait()
        time.sleep(0.05)  # its last records
        ended.set()

    task = asyncio.create_task(in_thread(work, interrupt=told.set, grace=30))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_work_that_does_not_end_is_left_to_itself() -> None:
    release = threading.Event()
    task = asyncio.create_task(in_thread(release.wait, grace=0.05))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
