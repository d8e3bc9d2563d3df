"""How fast transfers were, second by second, and the line of totals that shows it."""

from __future__ import annotations

from mlhub_tui.queue.job import JobState
from mlhub_tui.ui.terminal.characters import to_ascii
from mlhub_tui.ui.transfers.job_list import bar
from mlhub_tui.ui.transfers.job_view import BARS, HISTORY_LENGTH, RateHistory, sparkline, totals

from .test_order import JOBS, job


def fed(*speeds: tuple[float, float]) -> RateHistory:
    """Return the history of one transfer at some moments."""
    history = RateHistory()
    for at, speed in speeds:
        history.feed(at, [job(1, JobState.DOWNLOADING, rate=speed)])
    return history


def test_a_history_has_a_sample_a_second_and_none_where_nothing_was_fed() -> None:
    assert fed((10.1, 1.0), (10.9, 2.0), (11.2, 3.0), (14.0, 4.0)).values == [2.0, 3.0, 0.0, 0.0, 4.0]


def test_a_history_is_bounded() -> None:
    seconds = [(float(second), second + 1.0) for second in range(3 * HISTORY_LENGTH)]
    assert len(fed(*seconds, (1e9, 1.0)).values) == HISTORY_LENGTH


def test_a_history_ends_with_one_zero_and_rests() -> None:
    assert fed(*((float(second), 1e6 * (second < 4)) for second in range(1, 100))).values == [
        1e6,
        1e6,
        1e6,
        0.0,
    ]


def test_bars_go_from_hardly_anything_to_the_most() -> None:
    assert sparkline([0, 1, 50, 100], 4) == " ▁▅█"
    assert sparkline([7], 4) == "   █"
    assert sparkline([0, 0], 4) == ""
    assert sparkline([1, 2, 3], 0) == ""
    assert len({to_ascii(bar) for bar in BARS}) >= 4, "ASCII tells little from much"


def test_what_is_done_differs_from_what_is_not_in_ascii_too() -> None:
    half = job(1, JobState.DOWNLOADING, bytes_done=50, bytes_total=100)
    drawn = "".join(map(to_ascii, bar(half, 10)))
    assert drawn == "=====....."


def test_totals_count_and_fit_any_width() -> None:
    words = totals(JOBS, 200, limit=5_000_000, speeds=[1e6, 2e6])
    for part in (
        "2 running, 1 waiting, 1 failed",
        "91 B of 1.1 kB",
        "10.0 MB/s",
        "limit 5.0 MB/s",
        "left",
        "1 done",
    ):
        assert part in words
    assert words.endswith("▅█")
    for width in range(20, 200):
        assert len(totals(JOBS, width, 5_000_000, [1.0] * 300)) <= width
    narrow = totals(JOBS, 60)
    assert "10.0 MB/s" in narrow
    assert "2 running" in narrow
    assert totals((), 80) == ""


def test_sizes_that_are_not_known_make_the_rest_a_least() -> None:
    jobs = [job(1, JobState.DOWNLOADING, bytes_done=1, bytes_total=100, rate=1.0), job(2)]
    assert "≥1 min 39 s left" in totals(jobs, 120)
    assert "≥" not in totals(jobs[:1], 120)


def test_the_time_left_is_that_of_what_comes_without_what_is_paused_or_stuck() -> None:
    running = job(1, JobState.DOWNLOADING, bytes_done=1, bytes_total=100, rate=1.0)
    held = [
        job(n, state, bytes_total=10**12)
        for n, state in enumerate((JobState.PAUSED, JobState.NO_SPACE, JobState.NEEDS_KEY), 2)
    ]
    unknown = job(5, JobState.PAUSED)
    assert " 1 min 39 s left" in totals([running, *held, unknown], 140)
