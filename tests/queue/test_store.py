"""The store keeps what it acknowledged, moves by the table only, and shares jobs between programs."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from mlhub_tui import paths
from mlhub_tui.options import IfExists
from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.requests import dataset_request
from mlhub_tui.queue import repository as store_module
from mlhub_tui.queue import runner as process
from mlhub_tui.queue.database import VERSION, Database, JournalNotWritable
from mlhub_tui.queue.job import ACTIVE_STATES, NEXT_STATES, JobState
from mlhub_tui.queue.job_store import JobStore
from mlhub_tui.queue.repository import AT_START, JobRepository
from mlhub_tui.queue.run_job import job_context
from mlhub_tui.queue.runner import Process

from .support import Links, wish

GONE = Process(2**22 + 1, process.this_process().host, "boot:1")
"""A program that does not run: no system has that pid."""


def opened(path: Path, identity: Process | None = None) -> JobRepository:
    return JobRepository(Database(path), identity=identity)


@contextmanager
def held(path: Path) -> Iterator[sqlite3.Connection]:
    """Hold the queue's database as another program's transaction does."""
    Database(path).close()
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_a_program_that_starts_waits_for_one_that_holds_the_queue(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    with held(path) as other:
        letting_go = threading.Timer(0.8, other.execute, ["COMMIT"])
        letting_go.start()
        store = opened(path)
        letting_go.join()
    assert store.adopt(patience=AT_START) == []
    assert len(store.add([wish(tmp_path)])) == 1


async def test_downloads_beside_the_queue_and_of_it_say_that_the_queue_is_held(
    mlhub_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "AT_START", 0.1)
    mlhub_home.mkdir()
    words = "cannot be written: database is locked"
    with held(paths.queue()):
        with pytest.raises(JournalNotWritable, match=words):
            async with job_context(Links("http://127.0.0.1:1/")):
                pass
        with pytest.raises(JournalNotWritable, match=words):
            JobStore(paths.queue())


def test_a_job_that_another_program_took_over_or_removed_is_not_moved_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    ours, theirs = JobStore(path), opened(path)
    for job in ours.repository.add([wish(tmp_path), wish(tmp_path, "other"), wish(tmp_path, "third")]):
        ours.put(job)
        ours.owned_ids.add(job.id)
    taken, removed, kept = ours.owned
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE jobs SET runner = ? WHERE id = ?", (theirs.runner, taken.id))
        database.execute("DELETE FROM jobs WHERE id = ?", (removed.id,))
    assert [ours.move(job.id, JobState.CONNECTING) for job in (taken, removed)] == [None, None]
    found = ours.get(taken.id)
    assert found is not None and found.elsewhere
    assert ours.get(removed.id) is None
    assert ours.owned_ids == {kept.id}
    assert ours.move(kept.id, JobState.DONE) is None, "it has not begun"
    assert ours.owned == [kept]


def test_every_state_can_be_left_but_only_by_the_table() -> None:
    assert set(NEXT_STATES) == set(JobState)
    assert all(NEXT_STATES.values())
    assert all(JobState.CANCELLED in NEXT_STATES[state] for state in JobState if not state.finished)
    assert NEXT_STATES[JobState.DONE] == {JobState.QUEUED}
    assert NEXT_STATES[JobState.CANCELLED] == {JobState.QUEUED, JobState.DONE}, (
        "done where the cancel came too late"
    )


def test_a_target_has_one_job(tmp_path: Path) -> None:
    store = opened(tmp_path / "queue.db")
    first, other, again = store.add([wish(tmp_path), wish(tmp_path, "other"), wish(tmp_path)])
    assert first.id == again.id != other.id
    assert len(store.load()) == 2
    store.move([first.id], JobState.CONNECTING)
    [running] = store.add([wish(tmp_path)])
    assert (running.id, running.state) == (first.id, JobState.CONNECTING)


@pytest.mark.parametrize(
    ("state", "if_exists", "other", "continued"),
    [
        (JobState.PAUSED, IfExists.RESUME, False, True),
        (JobState.PAUSED, IfExists.OVERWRITE, False, True),
        (JobState.PAUSED, IfExists.RESUME, True, False),
        (JobState.CANCELLED, IfExists.RESUME, False, False),
        (JobState.CANCELLED, IfExists.OVERWRITE, False, True),
        (JobState.DONE, IfExists.OVERWRITE, False, False),
    ],
)
def test_the_same_dataset_is_continued_where_it_would_be_checked_or_fetched_again(
    tmp_path: Path, state: JobState, if_exists: IfExists, other: bool, continued: bool
) -> None:
    store = opened(tmp_path / "queue.db")
    first = dataset_request("crops", tmp_path, source="http://h/", if_exists=if_exists)
    [job] = store.add([first])
    store.move([job.id], JobState.CONNECTING)
    store.move([job.id], state)
    filters = Filters(Filters.keys({"fields": ["a"]})) if other else None
    later = replace(first, request_id="later", filters=filters or first.filters)
    [again] = store.add([later])
    assert (again.id, again.state) == (job.id, JobState.QUEUED)
    assert again.request == (first if continued else later)


def test_a_live_programs_job_is_shown_and_left_to_it(tmp_path: Path) -> None:
    one, two = opened(tmp_path / "queue.db"), opened(tmp_path / "queue.db")
    [job] = one.add([wish(tmp_path)])
    assert two.adopt() == []
    [seen] = two.add([wish(tmp_path)])
    assert (seen.id, seen.elsewhere) == (job.id, True)
    assert two.move([job.id], JobState.PAUSED) == []


def test_a_dead_programs_jobs_are_adopted_and_what_it_was_at_is_queued(tmp_path: Path) -> None:
    dead = opened(tmp_path / "queue.db", GONE)
    running, paused, done = dead.add([wish(tmp_path, name) for name in "abc"])
    dead.move([running.id, done.id], JobState.CONNECTING)
    dead.move([paused.id], JobState.PAUSED)
    dead.move([done.id], JobState.DONE)
    store = opened(tmp_path / "queue.db")
    assert {job.id: job.state for job in store.adopt()} == {
        running.id: JobState.QUEUED,
        paused.id: JobState.PAUSED,
    }
    assert store.live() == {store.runner}


def test_jobs_left_at_the_end_go_on_at_the_next_start(tmp_path: Path) -> None:
    store = opened(tmp_path / "queue.db")
    [job] = store.add([wish(tmp_path)])
    [running] = store.move([job.id], JobState.CONNECTING)
    store.leave([replace(running, bytes_done=77, bytes_total=99)])
    [adopted] = opened(tmp_path / "queue.db").adopt()
    assert (adopted.state, adopted.bytes_done, adopted.bytes_total) == (JobState.QUEUED, 77, 99)


def test_changes_of_another_program_are_seen_once(tmp_path: Path) -> None:
    one, two = opened(tmp_path / "queue.db"), opened(tmp_path / "queue.db")
    two.load()
    two.changes()
    assert two.changes() is None
    [job] = one.add([wish(tmp_path)])
    changes = two.changes()
    assert changes is not None
    assert [seen.id for seen in changes[0]] == [job.id]
    assert changes[1] == frozenset({job.id})
    assert two.changes() is None
    shown = JobStore(tmp_path / "queue.db")
    shown.load(adopt=False)
    shown.refresh()
    one.add([wish(tmp_path, "other")])
    assert [shown.refresh() for _ in range(2)] == [True, False]


def test_names_that_are_no_unicode_survive(tmp_path: Path) -> None:
    request = replace(wish(tmp_path / os.fsdecode(b"caf\xe9")), collection_id="a\ud800b", title="\udcff")
    opened(tmp_path / "queue.db").add([request])
    [job] = opened(tmp_path / "queue.db").load()
    assert job.request == request


def test_the_file_is_private_and_knows_its_version(tmp_path: Path) -> None:
    path = tmp_path / "home" / "queue.db"
    opened(path)
    path.chmod(0o644)  # as some copy or backup of it may be
    opened(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


class QueueMachine(RuleBasedStateMachine):
    """Random moves, crashes and restarts against a dictionary."""

    jobs = Bundle("jobs")

    @initialize()
    def begin(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "queue.db"
        self._database = Database(self._path)
        self._store = JobRepository(self._database, identity=GONE)
        self._states: dict[int, JobState] = {}
        self._order: list[int] = []

    def teardown(self) -> None:
        self._folder.cleanup()

    @rule(target=jobs, name=st.sampled_from("abcdef"))
    def add(self, name: str) -> int:
        [job] = self._store.add([wish(Path(self._folder.name), name)])
        known = self._states.get(job.id)
        if known is None or known.finished:
            self._order = [*(i for i in self._order if i != job.id), job.id]
        if known not in ACTIVE_STATES:
            self._states[job.id] = JobState.QUEUED
        return job.id

    @rule(job_id=jobs, state=st.sampled_from(JobState))
    def move(self, job_id: int, state: JobState) -> None:
        known, moved = self._states.get(job_id), self._store.move([job_id], state)
        if known is not None and state in NEXT_STATES[known]:
            assert [job.state for job in moved] == [state]
            self._states[job_id] = state
        else:
            assert moved == []

    @rule(state=st.sampled_from(JobState))
    def move_all(self, state: JobState) -> None:
        moved = self._store.move(list(self._states), state)
        legal = {job_id for job_id, known in self._states.items() if state in NEXT_STATES[known]}
        assert {job.id for job in moved} == legal
        self._states.update(dict.fromkeys(legal, state))

    @rule()
    def clear(self) -> None:
        removed = self._store.remove_finished()
        assert set(removed) == {job_id for job_id, state in self._states.items() if state.finished}
        for job_id in removed:
            del self._states[job_id]
        self._order = [job_id for job_id in self._order if job_id in self._states]

    @rule()
    def crash(self) -> None:
        """Open anew without a word to the old one, as after kill -9."""
        self._database = Database(self._path)
        self._store = JobRepository(self._database, identity=GONE)
        self._store.adopt()
        for job_id, state in self._states.items():
            if state.running:
                self._states[job_id] = JobState.QUEUED

    @rule()
    def leave(self) -> None:
        self._store.leave(job for job in self._store.load() if job.state.running)
        self._database.close()
        self.crash()

    @invariant()
    def agrees(self) -> None:
        jobs = self._store.load()
        assert [job.id for job in jobs] == self._order
        assert {job.id: job.state for job in jobs} == self._states


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
