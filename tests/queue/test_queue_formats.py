"""Queues of every format ever written are brought up to date; those of a later one are left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mlhub_tui.planning.requests import ArchiveRequest
from mlhub_tui.queue.client import QueueClient
from mlhub_tui.queue.database import MIGRATIONS, VERSION, QueueUnusable
from mlhub_tui.queue.job import JobAction, JobState

JOB = (
    "INSERT INTO jobs (target, source, collection_id, folder, if_exists, title, name, state, position,"
    " bytes_done, runner, revision) VALUES"
    " ('/o/c.tar.gz', 'https://h', 'c', '/o', 'resume', 'C', 'c.tar.gz', 'downloading', 1, 7, 'r', 1)"
)


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_queue_of_an_earlier_format_is_brought_up_to_date_with_its_jobs(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "queue.db"
    with closing(sqlite3.connect(path)) as old:
        for script in MIGRATIONS[:version]:
            old.executescript(script)
        columns = "(id, pid, host, token, beat)"
        old.execute(f"INSERT INTO runners {columns} VALUES ('r', 1, 'another host', '', 0)")
        old.execute(JOB)
        old.execute(f"PRAGMA user_version={version}")
        old.commit()
    with QueueClient(path) as client:
        [job] = client.jobs()
        assert job.request == ArchiveRequest("https://h", None, "c", Path("/o"), title="C")
        assert (job.name, job.bytes_done, job.state, job.where) == ("c.tar.gz", 7, JobState.QUEUED, "")
        client.order(JobAction.PAUSE)
        assert [event.words for event in client.repository.log_of(job.id)] == ["paused"]
    with closing(sqlite3.connect(path)) as now:
        assert now.execute("PRAGMA user_version").fetchone() == (VERSION,)
        now.execute(f"PRAGMA user_version={VERSION + 1}")
    with pytest.raises(QueueUnusable, match="written by a newer version") as caught, QueueClient(path):
        pass
    assert "start the newer version" in caught.value.hint
