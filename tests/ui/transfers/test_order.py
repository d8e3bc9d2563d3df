"""Which transfers are shown, and in which order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.planning.requests import ArchiveRequest
from mlhub_tui.queue.job import Job, JobState
from mlhub_tui.ui.transfers.job_view import JobGroup, JobOrder, JobSort, counts_of, group_of


def job(
    number: int, state: JobState = JobState.QUEUED, name: str = "", title: str = "", **more: object
) -> Job:
    name = name or f"n{number:03}"
    request = ArchiveRequest("https://api.test/", None, name, Path("/data"), title=title)
    return Job(number, request, f"{name}.tar.gz", state, number, **more)  # type: ignore[arg-type]


def shown(order: JobOrder, *jobs: Job) -> list[int]:
    return [one.id for one in order.shown(jobs)]


JOBS = (
    job(1, JobState.DONE, "Zebra", bytes_done=10, bytes_total=10),
    job(2, JobState.FAILED, "apple", title="Kenya crops"),
    job(3, JobState.DOWNLOADING, "mango", bytes_done=90, bytes_total=100, rate=1e6),
    job(4, JobState.DOWNLOADING, "Banana", bytes_done=1, bytes_total=1000, rate=9e6),
    job(5, JobState.QUEUED, "cherry", bytes_total=50),
    job(6, JobState.NEEDS_KEY, "fig"),
)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (JobSort.QUEUE, [1, 2, 3, 4, 5, 6]),
        (JobSort.NAME, [2, 4, 5, 6, 3, 1]),
        (JobSort.STATE, [3, 4, 5, 6, 2, 1]),
        (JobSort.SIZE, [4, 3, 5, 1, 2, 6]),
        (JobSort.PROGRESS, [1, 3, 4, 2, 5, 6]),
        (JobSort.SPEED, [4, 3, 1, 2, 5, 6]),
    ],
)
def test_transfers_are_sorted_and_those_alike_stay_as_queued(sort: JobSort, expected: list[int]) -> None:
    assert shown(JobOrder(sort), *JOBS) == expected


def test_all_ways_to_sort_come_in_turn() -> None:
    seen, sort = [], JobSort.QUEUE
    for _ in JobSort:
        seen.append(sort)
        sort = sort.next
    assert seen == list(JobSort)
    assert sort is JobSort.QUEUE


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", [1, 2, 3, 4, 5, 6]),
        ("an", [3, 4]),
        ("KENYA", [2]),
        ("failed", [2]),
        ("running", [3, 4]),
        ("waiting cherry", [5]),
        ("needs", [6]),
        ("stuck", [6]),
        ("running ba", [4]),
        ("nothing like this", []),
    ],
)
def test_words_find_names_titles_and_states(words: str, expected: list[int]) -> None:
    assert shown(JobOrder(words=words), *JOBS) == expected


def test_a_group_is_shown_alone_and_goes_on_to_the_next_that_there_is() -> None:
    order = JobOrder()
    seen = []
    for _ in range(6):
        order.group = order.next_group(JOBS)
        seen.append(order.group)
    assert seen == [
        JobGroup.RUNNING,
        JobGroup.WAITING,
        JobGroup.STUCK,
        JobGroup.FAILED,
        JobGroup.DONE,
        JobGroup.ALL,
    ]
    order.group = JobGroup.RUNNING
    assert shown(order, *JOBS) == [3, 4]
    assert counts_of(JOBS)[JobGroup.RUNNING] == 2


def test_every_state_is_in_a_group() -> None:
    assert {group_of(job(1, state)) for state in JobState} == set(JobGroup) - {JobGroup.ALL}


def test_lines_do_not_dance_with_every_change_of_speed() -> None:
    now = 100.0
    order = JobOrder(JobSort.SPEED, clock=lambda: now)
    slow, fast = job(1, JobState.DOWNLOADING, rate=1e6), job(2, JobState.DOWNLOADING, rate=8e6)
    assert shown(order, slow, fast) == [2, 1]
    turned = (replace(slow, rate=9e9), fast)
    now += 1
    assert shown(order, *turned, job(3)) == [2, 1, 3], "within a few seconds all stay, new ones are last"
    now += 3
    assert shown(order, *turned, job(3)) == [1, 2, 3]
    now += 4
    assert shown(order, replace(slow, rate=8.1e6), replace(fast, rate=8.3e6)) == [1, 2], "as good as alike"


@given(
    st.lists(st.tuples(st.sampled_from(list(JobState)), st.integers(0, 5)), max_size=30),
    st.sampled_from(list(JobSort)),
    st.sampled_from(list(JobGroup)),
)
def test_nothing_is_lost_or_doubled(jobs: list[tuple[JobState, int]], sort: JobSort, group: JobGroup) -> None:
    made = [job(n, state, bytes_done=done, rate=float(done)) for n, (state, done) in enumerate(jobs)]
    found = shown(JobOrder(sort, group), *made)
    assert sorted(found) == [one.id for one in made if group in (JobGroup.ALL, group_of(one))]
