"""A sum goes on where the last try left it, and never costs a file that is right."""

from __future__ import annotations

import hashlib
import threading

import pytest

from mlhub_tui.http import versions
from mlhub_tui.queue.job import JobState
from tests.support.http_server import Answer
from tests.support.waiting import until

from .conftest import DATA, Queues, ended
from .support import files

HALF = len(DATA) // 2


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the bytes that are hashed."""
    counts: list[int] = []

    class Counting:
        def __init__(self, algorithm: str) -> None:
            self._hash = hashlib.new(algorithm)

        def update(self, data: memoryview, /) -> None:
            counts.append(len(data))
            self._hash.update(data)

        def hexdigest(self) -> str:
            return self._hash.hexdigest()

    monkeypatch.setattr(versions, "new_hash", Counting)
    return counts


async def test_a_retry_hashes_no_byte_twice(queues: Queues, hashed: list[int]) -> None:
    queues.server.script.extend([Answer(after=HALF), Answer(after=HALF // 2, end="reset")])
    queue = queues.start()
    done = await ended(queue, await queue.add(queues.wish()))
    assert (done.state, done.path.read_bytes()) == (JobState.DONE, DATA)
    assert len(queues.server.gets) == 3
    assert sum(hashed) == len(DATA)


async def test_a_part_that_was_changed_meanwhile_is_hashed_anew(queues: Queues, hashed: list[int]) -> None:
    queues.server.always = Answer(after=400_000, end="stall")
    queue, job = await queues.begin()
    await until(lambda: queue.snapshot()[0].bytes_done > 300_000 and sum(hashed) > 100_000)
    await queue.pause(job.id)
    # What is known of the part is noted by the time that its thread has ended.
    await until(lambda: not any(thread.name.startswith("hash ") for thread in threading.enumerate()))
    part = queues.folder / "file.tar.gz.part"
    whole = part.read_bytes()
    part.write_bytes(whole[:100_000] + b"?" + whole[100_001:])  # the same file, of the same size
    queues.server.always = Answer()
    await queue.resume(job.id)
    done = await ended(queue, job)
    assert (done.state, done.path.read_bytes()) == (JobState.DONE, DATA)
    assert sum(hashed) > len(DATA)


async def test_another_program_hashes_the_part_from_its_start(queues: Queues, hashed: list[int]) -> None:
    queues.server.always = Answer(after=400_000, end="stall")
    first = queues.start()
    await first.add(queues.wish())
    await until(lambda: first.snapshot()[0].bytes_done > 300_000)
    first.stop(60)
    await until(lambda: not any(thread.name.startswith("hash ") for thread in threading.enumerate()))
    queues.server.always = Answer()
    del hashed[:]
    second = queues.start()
    await until(lambda: second.snapshot() and second.snapshot()[0].state is JobState.DONE)
    assert (queues.folder / "file.tar.gz").read_bytes() == DATA
    assert sum(hashed) == len(DATA)
    assert files(queues.folder) == {"file.tar.gz": len(DATA)}
