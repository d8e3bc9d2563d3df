"""The log of a dataset's job: its catalog, how many files, who refused, how many failed."""

from __future__ import annotations

import re

from mlhub_tui.queue.job import JobState
from mlhub_tui.text import size
from tests.support.http_server import Answer, Request

from .dataset_support import CATALOG, Crops


async def test_the_log_of_a_dataset_tells_its_parts_and_what_failed(crops: Crops) -> None:
    contents = crops.stock(30)
    gone = next(path for path in crops.server.by_target if path != CATALOG)

    def plan(request: Request) -> Answer | None:
        return Answer(status=404) if request.target == gone else None

    crops.server.plan = plan
    job = await crops.settle()
    assert job.state is JobState.FAILED
    words = [event.words for event in await crops.queue.log(job.id)]
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
    crops.server.plan = None
    await crops.queue.retry(job.id)
    [job] = await crops.queue.wait([job.id])
    assert job.state is JobState.DONE
    later = [event.words for event in await crops.queue.log(job.id, after=len(words))]
    assert "begins with 1 file; 29 are there" in later
    whole = sum(map(len, contents.values())) + len(crops.server.by_target[CATALOG])
    assert later[-1].startswith(f"done: {size(whole)}, {size(len(crops.server.by_target[gone]))} of them in ")
