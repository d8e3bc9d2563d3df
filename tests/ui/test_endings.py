"""What is said of transfers that ended elsewhere than on the screen in front."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mlhub_tui.planning.requests import ArchiveRequest
from mlhub_tui.queue.job import Job, JobState
from mlhub_tui.ui.transfers.notifications import TransferWatch


def job(number: int, state: JobState = JobState.DONE, reason: str = "") -> Job:
    request = ArchiveRequest("https://api.test/", None, f"c{number}", Path("/data"))
    return Job(number, request, f"c{number}.tar.gz", state, number, bytes_total=1000, reason=reason)


def test_what_had_ended_before_the_start_is_no_news() -> None:
    endings = TransferWatch()
    endings.look([job(1), job(2, JobState.FAILED)], seen=False)
    assert not endings.has_ended
    assert endings.words() == []


def test_what_ends_is_said_once_with_its_reason() -> None:
    endings = TransferWatch()
    endings.look([job(1, JobState.DOWNLOADING), job(2, JobState.DOWNLOADING)], seen=False)
    endings.look([job(1), job(2, JobState.FAILED, "404 \x1b[31m")], seen=False)
    assert endings.has_ended
    assert [(w.title, w.severity) for w in endings.words()] == [("done", "information"), ("failed", "error")]
    endings.look([job(1), job(2, JobState.FAILED)], seen=False)
    assert not endings.has_ended


def test_what_is_seen_on_the_downloads_screen_is_not_said() -> None:
    endings = TransferWatch()
    running = job(1, JobState.DOWNLOADING)
    endings.look([running], seen=False)
    endings.look([replace(running, state=JobState.DONE)], seen=True)
    assert not endings.has_ended
    endings.look([replace(running, state=JobState.DONE)], seen=False)
    assert not endings.has_ended


def test_many_that_end_together_are_one_sentence() -> None:
    endings = TransferWatch()
    endings.look([], seen=False)
    endings.look([job(n) for n in range(1198)] + [job(n, JobState.FAILED) for n in (2000, 2001)], seen=False)
    (word,) = endings.words()
    assert word == ("1,200 transfers ended", "1,198 done, 2 failed", "error")
