"""Over TLS the same: broken off and gone on with, verified, interrupted at once."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from mlhub_tui.errors import ServerUnreachable
from mlhub_tui.queue.job import JobState
from mlhub_tui.queue.run_job import fetch
from mlhub_tui.queue.service import QueueService
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer
from tests.support.waiting import until

from .conftest import Queues, ended
from .support import ENDLESS, HASTY, IMPATIENT, QUICK, WIDE, Links, content, files, wish

DATA = content(3 << 20)
HALF = len(DATA) // 2
PACED = Answer(pace=0.01)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[FaultServer]:
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(settings)
    with FaultServer(DATA, tls=settings) as server:
        yield server


@pytest.fixture
def trust(authority: trustme.CA) -> ssl.SSLContext:
    settings = ssl.create_default_context()
    authority.configure_trust(settings)
    return settings


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [Answer(after=HALF)],
        [Answer(after=HALF, end="reset")],
        [Answer(after=HALF, end="stall")],
        [Answer(chunked=True, after=HALF)],
        [Answer(before="stall")],
        [Answer(status=503)],
        [Answer(flip=HALF)],
    ],
    ids=["good", "closed", "reset", "stalled", "chunked", "no headers", "503", "flipped"],
)
async def test_every_fault_ends_with_the_whole_file(
    server: FaultServer, trust: ssl.SSLContext, tmp_path: Path, answers: list[Answer]
) -> None:
    server.script.extend(answers)
    path = await fetch(
        wish(tmp_path / "out"), Links(server.url), retries=ENDLESS, config=IMPATIENT, tls=trust
    )
    assert path.read_bytes() == DATA
    assert files(tmp_path / "out") == {"file.tar.gz": len(DATA)}


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [PACED, replace(PACED, after=100_000, end="reset")],
        [replace(PACED, after=HALF)],
        [PACED, Answer(status=429)],
        [PACED, PACED, replace(PACED, headers={"ETag": '"v2"'})],
    ],
    ids=["good", "second reset", "first closed", "refused", "another version"],
)
async def test_several_connections_fetch_the_same_file(
    server: FaultServer, trust: ssl.SSLContext, tmp_path: Path, answers: list[Answer]
) -> None:
    server.always, server.md5 = PACED, False
    server.script.extend(answers)
    path = await fetch(wish(tmp_path / "out"), Links(server.url), retries=HASTY, config=WIDE, tls=trust)
    assert path.read_bytes() == DATA
    assert server.most > 1


async def test_a_certificate_that_is_not_trusted_is_said(server: FaultServer, tmp_path: Path) -> None:
    with pytest.raises(ServerUnreachable, match=r"(?i)tls|certificate"):
        await fetch(wish(tmp_path / "out"), Links(server.url), retries=HASTY, config=QUICK)
    assert files(tmp_path / "out") == {}


async def test_pause_and_stop_are_at_once(queues: Queues, trust: ssl.SSLContext, tmp_path: Path) -> None:
    queues.server.always = Answer(after=HALF, end="stall")
    patient = replace(QUICK, first_byte_timeout=600.0, low_speed_time=600.0)
    queue: QueueService = queues.start(tls=trust, config=patient)
    job = await queue.add(wish(tmp_path / "out"))
    await until(lambda: queue.snapshot()[0].bytes_done > 0)
    await queue.pause(job.id)
    queues.server.always = Answer()
    await queue.resume(job.id)
    done = await ended(queue, job)
    assert done.state is JobState.DONE
    assert done.path.read_bytes() == DATA
