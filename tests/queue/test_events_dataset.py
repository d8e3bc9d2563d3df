"""The log of a dataset's job: its catalog, how many files, who refused, how many failed."""

from __future__ import annotations

import re
from pathlib import Path

from mlhub_tui.queue.job import JobState
from mlhub_tui.queue.service import QueueService
from mlhub_tui.text import size
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, Request

from .dataset_support import CATALOG, settle, stock, wish


async def test_the_log_of_a_dataset_tells_its_parts_and_what_failed(
    queue: QueueService, server: FaultServer, tmp_path: Path
) -> None:
    contents = stock(server, tmp_path, 30)
    gone = next(path for path in server.by_target if path != CATALOG)

    def plan(request: Request) -> Answer | None:
        return Answer(status=404) if request.target == gone else None

    server.plan = plan
    job = await settle(queue, wish(tmp_path / "out"))
    assert job.state is JobState.FAILED
    words = [event.words for event in await queue.log(job.id)]
    told = "\n".join(words)
    assert re.search(r"begins: .*, from 127\.0\.0\.1", told)
    for part in (
        "the catalog is there: ",
        f"{len(contents)} files chosen",
        "the catalog is unpacked",
        f"begins with {len(contents)} files",
        "1 file failed so far",
    ):
        assert part in told
    assert words[-1].startswith("failed: done with 1 failed: 29 of 30 files are there")
    server.plan = None
    await queue.retry(job.id)
    [job] = await queue.wait([job.id])
    assert job.state is JobState.DONE
    later = [event.words for event in await queue.log(job.id, after=len(words))]
    assert "begins with 1 file; 29 are there" in later
    whole = sum(map(len, contents.values())) + len(server.by_target[CATALOG])
    assert later[-1].startswith(f"done: {size(whole)}, {size(len(server.by_target[gone]))} of them in ")
