"""From the sample catalog's API to a file on disk, with a key, a redirect and a second origin."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mlhub_tui.api.downloads import fetch
from mlhub_tui.errors import AuthenticationError, EntityDoesNotExist
from mlhub_tui.http.session import Session
from mlhub_tui.options import IfExists
from mlhub_tui.planning.requests import ArchiveRequest, DownloadRequest
from mlhub_tui.planning.resolver import Resolver
from mlhub_tui.queue.job import JobState
from mlhub_tui.queue.service import QueueService
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.sources.mlhub import MLHubSource
from mlhub_tui.transfer.content_checks import gzip_whole

from .support import files

COLLECTION = "ref_african_crops_kenya_02_labels"


def source(sample: SampleServer, key: str | None) -> MLHubSource:
    return MLHubSource(Session(api_key=key, root_url=sample.root_url))


async def test_an_archive_of_the_api_arrives(sample: SampleServer, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    api = source(sample, sample.key)
    path = await fetch(
        api, COLLECTION, tmp_path, IfExists.RESUME, lambda done, total, _: seen.append((done, total))
    )
    info = await api.archive_info(COLLECTION)
    await api.aclose()
    assert path == tmp_path / f"{COLLECTION}.tar.gz"
    assert path.stat().st_size == info.size
    assert seen[-1] == (info.size, info.size)
    gzip_whole(path, threading.Event())


async def test_an_archive_that_does_not_exist_leaves_nothing(sample: SampleServer, tmp_path: Path) -> None:
    api = source(sample, sample.key)
    with pytest.raises(EntityDoesNotExist, match="no_such_collection"):
        await fetch(api, "no_such_collection", tmp_path / "out", IfExists.RESUME)
    await api.aclose()
    assert files(tmp_path / "out") == {}


async def test_without_a_key_it_says_so(sample: SampleServer, tmp_path: Path) -> None:
    api = source(sample, None)
    with pytest.raises(AuthenticationError):
        await fetch(api, COLLECTION, tmp_path, IfExists.RESUME)
    await api.aclose()


async def test_a_job_without_a_key_goes_on_when_one_is_saved(
    sample: SampleServer, tmp_path: Path, mlhub_home: Path
) -> None:
    keys: list[str | None] = [None]

    async def open_source(request: DownloadRequest) -> MLHubSource:
        assert request.source == sample.root_url
        return source(sample, keys[0])

    queue = QueueService(mlhub_home / "queue.db", Resolver(open_source))
    queue.start()
    job = await queue.add(ArchiveRequest(sample.root_url, None, COLLECTION, tmp_path))
    [job] = await queue.wait([job.id])
    assert job.state is JobState.NEEDS_KEY
    keys[0] = sample.key
    await queue.resume(job.id)
    [job] = await queue.wait([job.id])
    queue.stop(60)
    assert job.state is JobState.DONE
    assert files(tmp_path)[f"{COLLECTION}.tar.gz"] == job.bytes_total
