"""A host as its responses show it: how many slots ask it, when all wait, and when that ends."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from mlhub_tui.errors import RequestError, ServerError, ServerTimeout, ServerUnreachable
from mlhub_tui.http.errors import ConnectionLost, ConnectTimeout, RetryPolicy
from mlhub_tui.http.limits import HostLimits
from mlhub_tui.http.urls import Origin
from mlhub_tui.transfer.config import TransferProgress
from mlhub_tui.transfer.hosts import PROGRESS, HostScheduler, HostState, was_reached

HERE = Origin("http", "h.test", 80)
WAITS = RetryPolicy(
    tries=None,
    base=1.0,
    cap=60.0,
    longest_wait=100.0,
    budget=None,
    patience=3600.0,
    random=lambda: 1.0,
)


class Played:
    """A host with a clock."""

    def __init__(self, most: int = 4) -> None:
        self.now = 100.0
        self.limits = HostLimits(16, lambda: self.now)
        self.state = HostState(HERE, most, WAITS, self.limits, self.limits)

    def slots(self) -> int:
        """Return how many slots may ask it at once."""
        count = 0
        while self.state.begin(self.now):
            count += 1
        for _ in range(count):
            self.state.end()
        return count

    def fail(self, error: RequestError, path: str = "a", began: float | None = None) -> None:
        self.state.failed(error, path, self.now if began is None else began, self.now)


def test_a_host_that_refuses_is_left_alone_for_its_time_and_asked_by_half_as_many() -> None:
    host = Played()
    assert host.slots() == 4
    host.fail(ServerError("x", status=503, retry_after=7.0))
    assert (host.state.until, host.state.rounds, host.slots()) == (108.0, 1, 0)
    assert host.limits.blocked_until(HERE) == 108.0, "others of this program wait too"
    host.now = 107.9
    assert host.slots() == 0
    host.now = 108.0
    assert host.slots() == 2
    for _ in range(9):
        host.fail(ServerError("x", status=429))
        host.now = host.state.until
    assert host.slots() == 1
    assert host.state.rounds == 10


def test_failures_of_requests_from_before_a_wait_begin_no_other() -> None:
    host = Played()
    host.fail(ServerError("x", status=503))
    until = host.state.until
    host.now = until - 0.5
    host.fail(ServerError("x", status=503), began=until - 0.1)
    assert (host.state.until, host.state.rounds) == (until, 1)
    host.now = until
    host.fail(ServerError("x", status=503), began=until)
    assert host.state.rounds == 2


def test_a_host_is_well_again_after_a_good_response_and_asked_by_more_after_many() -> None:
    host = Played()
    host.fail(ServerError("x", status=503))
    host.now = host.state.until
    for number in range(1, 97):
        host.state.succeeded()
        assert host.slots() == min(4, 2 + number // 32)
    assert (host.state.rounds, host.state.successes) == (0, 96)


def test_file_after_file_has_to_fail_before_it_is_the_host() -> None:
    host = Played(2)
    for _ in range(9):
        host.fail(ServerError("x", status=500), "a")
    assert host.state.rounds == 0, "one file may be broken"
    host.fail(ServerError("x", status=500), "b")
    assert host.state.rounds == 1
    other = Played(2)
    for path in "aba":
        other.fail(ServerError("x", status=500), path)
    assert other.state.rounds == 0
    other.fail(ServerError("x", status=500), "b")
    assert other.state.rounds == 1
    third = Played(2)
    for path in "aba":
        third.fail(ServerError("x", status=500), path)
    third.state.succeeded()
    third.fail(ServerError("x", status=500), "b")
    assert third.state.rounds == 0


@pytest.mark.parametrize(
    ("error", "reached"),
    [
        (ServerUnreachable("x"), False),
        (ConnectTimeout("x"), False),
        (ConnectionLost("x"), True),
        (ServerTimeout("x"), True),
        (ServerError("x", status=500), True),
    ],
)
def test_a_host_that_nobody_reaches_is_waited_for_at_once(error: RequestError, reached: bool) -> None:
    assert was_reached(error) is reached
    host = Played()
    host.fail(error)
    assert host.state.rounds == (0 if reached else 1)


def test_of_a_host_that_was_given_up_there_is_always_a_slot() -> None:
    host = Played(1)
    host.fail(ServerError("x", status=503))
    assert not host.state.begin(host.now)
    host.state.error = ServerError("x")
    assert host.state.begin(host.now)
    assert host.state.begin(host.now)
    host.state.end()
    host.state.end()
    assert host.limits.try_acquire(HERE, "another", 1)


def test_what_failed_waits_while_a_large_file_that_did_not_has_no_slot() -> None:
    host = Played(2)
    host.state.awaited = 1
    assert host.state.begin(host.now, fresh=False), "there are two slots"
    assert not host.state.begin(host.now, fresh=False)
    assert host.state.begin(host.now)


def test_a_host_is_well_while_a_large_file_grows() -> None:
    host, large, stuck = Played(), TransferProgress(), TransferProgress()
    host.state.watch(large)
    host.state.watch(stuck)
    host.fail(ServerError("x", status=503))
    large.done = PROGRESS - 1
    host.state.notice_growth()
    assert (host.state.rounds, host.state.successes) == (1, 0), "a trickle is no progress"
    large.done = PROGRESS
    host.state.notice_growth()
    assert (host.state.rounds, host.state.successes) == (0, 1)
    host.state.notice_growth()
    assert host.state.successes == 1, "it did not grow since"
    host.state.unwatch(large)
    large.done *= 2
    host.state.notice_growth()
    assert host.state.successes == 1


def test_others_are_well_that_gave_files_and_have_not_failed_since() -> None:
    limits = HostLimits()
    scheduler = HostScheduler(4, WAITS, None, limits, Mock(), Mock(), Mock())
    one, two = scheduler.host(HERE), scheduler.host(Origin("http", "o.test", 80))
    assert scheduler.host(HERE) is one
    assert not scheduler.others_well(one)
    two.succeeded()
    assert scheduler.others_well(one)
    assert not scheduler.others_well(two)
    two.failed(ServerError("x", status=503), "a", 1e9, 1e9)
    assert not scheduler.others_well(one)
    assert scheduler.waits_until(0.0) is None
