"""Progress: a bar a transfer that fits the terminal, or lines that tell what is new."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from mlhub_tui.cli.progress import Bars, Lines
from mlhub_tui.options import IfExists
from mlhub_tui.planning.requests import ArchiveRequest
from mlhub_tui.queue.job import Job, JobState

REQUEST = ArchiveRequest("http://x.example/", None, "c1", Path("/data"), IfExists.RESUME)
JOB = Job(
    1,
    REQUEST,
    "ref_african_crops_kenya_02_source.tar.gz",
    JobState.DOWNLOADING,
    0,
    bytes_done=76_100_000,
    bytes_total=169_300_000,
    rate=4_200_000,
    eta=22,
)


def drawn(*pages: list[Job], width: int = 80) -> list[str]:
    """Return what a terminal shows after the bars were drawn for each list of jobs in turn."""
    import pyte

    screen = pyte.Screen(width, 24)
    screen.set_mode(pyte.modes.LNM)
    out = io.StringIO()
    bars = Bars(Console(file=out, width=width, height=24, force_terminal=True, color_system=None))
    for jobs in pages:
        bars.update(jobs)
    pyte.Stream(screen).feed(out.getvalue())
    return [line.rstrip() for line in screen.display if line.strip()]


@pytest.mark.parametrize("width", [79, 60, 40, 20, 10])
@pytest.mark.parametrize("state", [JobState.DOWNLOADING, JobState.RETRYING, JobState.QUEUED])
def test_a_bar_is_one_line_of_the_terminal(width: int, state: JobState) -> None:
    job = replace(JOB, state=state, reason="the server failed " * 10, name="日本" * 40)
    assert len(drawn([job], [job], width=width)) == 1


def test_a_bar_has_name_percent_bytes_rate_and_time_left() -> None:
    (line,) = drawn([JOB])
    name, percent, *rest = line.split()
    assert (name, percent) == ("ref_african…_02_source", "44%")
    assert " ".join(rest[:-1]) == "76.1 MB/169.3 MB 4.2 MB/s 22 s"
    assert rest[-1].startswith("━")
    (unknown,) = drawn([replace(JOB, bytes_total=None, rate=None, eta=None)])
    assert "?" in unknown and "76.1 MB" in unknown


def test_a_job_that_waits_has_its_reason_without_a_key() -> None:
    job = replace(JOB, state=JobState.RETRYING, reason="no answer from http://x.example/?key=SECRET")
    (line,) = drawn([job])
    assert "retrying: no answer from" in line
    assert "SECRET" not in line


def test_files_are_counted_where_there_are_many() -> None:
    files = replace(JOB, name="crops", files_done=1204, files_total=5000, files_failed=3)
    assert drawn([files])[0].split()[:4] == ["crops", "44%", "1,204/5,000", "files"]
    many = replace(files, files_done=299_000, files_total=300_000, bytes_total=None)
    assert drawn([many])[0].split()[:4] == ["crops", "99%", "299,000/300,000", "files"]


def test_bars_are_drawn_over_themselves_and_leave_what_ended() -> None:
    second = replace(JOB, id=2, name="two.tar.gz", state=JobState.QUEUED)
    done = replace(JOB, state=JobState.DONE)
    assert drawn([JOB, second])[1] == "1 transfer waiting"
    shown = drawn(
        [JOB, second],
        [replace(JOB, bytes_done=160_000_000), second],
        [done, replace(second, state=JobState.CONNECTING)],
        [done, replace(second, state=JobState.FAILED, reason="gone", hint="try later")],
    )
    assert shown == [f"done {JOB.name}, 169.3 MB", "failed two.tar.gz: gone", "  try later"]


def test_lines_of_what_waits_or_failed_are_all_that_is_written_unless_steps_are_wanted() -> None:
    out, quiet = io.StringIO(), io.StringIO()
    waits = replace(JOB, state=JobState.RETRYING, reason="503, next try in 10 s")
    failed = replace(JOB, state=JobState.FAILED, reason="gone")
    for lines in (
        Lines(partial(print, file=out), steps=False),
        Lines(partial(print, file=quiet), steps=False, waits=False),
    ):
        for job in (JOB, waits, JOB, replace(JOB, id=2, state=JobState.DONE), failed):
            lines.update([job])
    assert out.getvalue() == f"{JOB.name}: retrying: 503, next try in 10 s\nfailed {JOB.name}: gone\n"
    assert quiet.getvalue() == f"failed {JOB.name}: gone\n"


def test_lines_tell_the_start_each_tenth_and_the_end() -> None:
    out, now = io.StringIO(), [0.0]
    lines = Lines(partial(print, file=out), clock=lambda: now[0])
    total = JOB.bytes_total
    assert total is not None
    lines.update([replace(JOB, state=JobState.QUEUED, bytes_done=0)])
    lines.update([replace(JOB, state=JobState.CONNECTING, bytes_done=0)])
    for percent in range(0, 101, 2):
        lines.update([replace(JOB, bytes_done=total * percent // 100)])
    lines.update([replace(JOB, state=JobState.DONE)])
    told = out.getvalue().splitlines()
    assert told[0].endswith("connecting")
    assert [line.split()[1] for line in told[1:-1]] == [f"{n}%" for n in range(0, 101, 10)]
    assert told[-1].startswith("done ")


def test_lines_tell_a_slow_transfer_every_ten_seconds() -> None:
    out, now = io.StringIO(), [0.0]
    lines = Lines(partial(print, file=out), clock=lambda: now[0])
    for second in range(31):
        now[0] = float(second)
        lines.update([replace(JOB, bytes_done=1000 + second)])
    assert len(out.getvalue().splitlines()) == 4


def test_lines_count_files_too() -> None:
    stream = io.StringIO()
    lines = Lines(partial(print, file=stream), clock=lambda: 0.0)
    begun = replace(JOB, name="crops", bytes_total=None, files_total=5000, rate=None)
    lines.update([begun])
    lines.update([replace(begun, files_done=1204, files_failed=3, bytes_done=5_000_000)])
    assert stream.getvalue().splitlines()[-1] == "crops: 1,204 of 5,000 files, 5.0 MB, 3 failed"
    lines.update(
        [replace(begun, state=JobState.FAILED, reason="done with 3 failed: 4,997 of 5,000 files are there")]
    )
    assert stream.getvalue().splitlines()[-1] == (
        "failed crops: done with 3 failed: 4,997 of 5,000 files are there"
    )
