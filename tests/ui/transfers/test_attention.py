"""What calls the user, what it is written as, and what the window's title says."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlhub_tui.queue.job import Job, JobState
from mlhub_tui.ui.transfers.notifications import TransferWatch, for_terminal, notification, passed_through

from .test_order import job

ONE = job(1, JobState.DOWNLOADING, bytes_done=40, bytes_total=100)
TWO = job(2, JobState.QUEUED, bytes_total=100)


class Looks(TransferWatch):
    """The transfers, as the app looks at them."""

    def __call__(self, *jobs: Job) -> str:
        return self.look(jobs)

    def title(self, *jobs: Job) -> str:
        self.look(jobs)
        return self.progress.title


def test_the_end_of_all_is_said_once() -> None:
    look = Looks()
    assert look(ONE, TWO) == ""
    assert look(replace(ONE, state=JobState.DONE), TWO) == "", "there is more to come"
    done = (replace(ONE, state=JobState.DONE), replace(TWO, state=JobState.DONE))
    assert look(*done) == "nothing left to download: 2 done"
    assert look(*done) == ""


def test_a_failure_is_said_at_once_and_many_together_are_counted() -> None:
    look = Looks()
    three = job(3)
    look(ONE, TWO, three)
    failed = replace(ONE, state=JobState.FAILED, reason="404\x1b]0;x\x07\nfor you")
    assert look(failed, TWO, three) == "failed: n001.tar.gz: 404]0;x for you"
    assert look(failed, TWO, three) == ""
    look = Looks()
    look(ONE, TWO, three)
    assert look(failed, replace(TWO, state=JobState.FAILED), three) == "2 transfers failed"


def test_what_was_at_rest_before_is_no_news_and_no_part_of_the_batch() -> None:
    look = Looks()
    old = (job(8, JobState.FAILED), job(9, JobState.DONE))
    assert look(*old) == ""
    assert look.progress.title == ""
    assert look(*old, ONE) == ""
    assert look.progress.title == "mlhub-tui 40% 0 of 1"
    ended = (*old, replace(ONE, state=JobState.NO_SPACE))
    assert look(*ended) == "nothing left to download: 1 stopped"


@pytest.mark.parametrize("state", [JobState.PAUSED, JobState.CANCELLED])
def test_nobody_is_called_for_what_they_ended_themselves(state: JobState) -> None:
    look = Looks()
    look(ONE, TWO)
    assert look(replace(ONE, state=state), replace(TWO, state=state)) == ""
    look(ONE, TWO)
    assert look(replace(ONE, state=state), replace(TWO, state=JobState.DONE)).startswith("nothing left")


def test_the_title_tells_how_far_all_are_by_bytes_where_they_are_known() -> None:
    look = Looks()
    big = job(3, JobState.QUEUED, bytes_total=800)
    assert look.title(ONE, TWO, big) == "mlhub-tui 4% 0 of 3"
    assert look.title(replace(ONE, state=JobState.DONE), TWO, big) == "mlhub-tui 10% 1 of 3"
    unknown = replace(big, bytes_total=None)
    assert look.title(ONE, TWO, unknown) == "mlhub-tui 13% 0 of 3"
    failed = replace(TWO, state=JobState.FAILED)
    ended = [replace(ONE, state=JobState.DONE), failed, replace(big, state=JobState.CANCELLED)]
    assert look.title(*ended) == "mlhub-tui 1 of 2 done, 1 failed"
    assert look.title(*ended, job(7, JobState.DOWNLOADING)) == "mlhub-tui 0% 0 of 1", "a new batch"


HOSTILE = "a\x1b]52;c;eA==\x07\x9c;b\n\u202ec"


def test_notifications_are_one_clean_sequence() -> None:
    assert notification("bell", HOSTILE) == "\a"
    assert notification("none", HOSTILE) == ""
    assert notification("osc9", HOSTILE) == "\x1b]9;mlhub-tui: a]52;c;eA==;b c\a"
    assert notification("osc777", HOSTILE) == "\x1b]777;notify;mlhub-tui;a]52,c,eA==,b c\a"
    assert passed_through("\x1b]9;x\a") == "\x1bPtmux;\x1b\x1b]9;x\a\x1b\\"


async def test_without_tmux_the_terminal_gets_it_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    assert await for_terminal("osc9", "x") == "\x1b]9;mlhub-tui: x\a"
    monkeypatch.setenv("TMUX", "/tmp/none,1,0")
    assert await for_terminal("bell", "x") == "\a", "tmux has its own way with bells"


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A tmux server of our own, and the environment of a program in it."""
    if not shutil.which("tmux"):
        pytest.skip("there is no tmux")
    socket = str(tmp_path / "tmux")
    if len(socket) > 100:
        pytest.skip("the path is too long for a socket")
    command = ("tmux", "-S", socket, "-f", "/dev/null")
    subprocess.run([*command, "new-session", "-d", "cat"], check=True)
    said = subprocess.run(
        [*command, "display-message", "-p", "#{pid},#{pane_id}"], check=True, capture_output=True, text=True
    ).stdout.strip()
    pid, pane = said.split(",")
    monkeypatch.setenv("TMUX", f"{socket},{pid},0")
    monkeypatch.setenv("TMUX_PANE", pane)
    yield socket
    subprocess.run([*command, "kill-server"], check=False, capture_output=True)


async def test_tmux_hands_on_what_it_may_and_else_a_bell_is_left(tmux: str) -> None:
    assert await for_terminal("osc9", "x") == "\a"
    allowed = ["tmux", "-S", tmux, "set", "-g", "allow-passthrough", "on"]
    if subprocess.run(allowed, check=False, capture_output=True).returncode:
        pytest.skip("this tmux hands on everything")
    assert await for_terminal("osc777", "x") == passed_through(notification("osc777", "x"))
