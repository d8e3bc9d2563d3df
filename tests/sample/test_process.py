"""The sample catalog in a process of its own: it serves, ends with its parent, and comes again."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from mlhub_tui.errors import MLHubException
from mlhub_tui.sample.process import SampleOnDemand
from tests.support.waiting import until_sync

PARENT = """
import sys
from mlhub_tui.sample.process import SampleOnDemand
sample = SampleOnDemand()
print(sample.credentials().root_url, flush=True)
sys.stdin.read()
"""

WITHOUT = """
import sys
from mlhub_tui.errors import MLHubException
from mlhub_tui.sample.process import SampleOnDemand
for sys.executable, why in ("", "the path of Python is not known"), ("/nowhere/python", "No such file"):
    try:
        SampleOnDemand().credentials()
    except MLHubException as error:
        assert why in error.message, error.message
    else:
        raise AssertionError
"""


@pytest.fixture
def sample() -> Iterator[SampleOnDemand]:
    made = SampleOnDemand()
    yield made
    made.stop()


def _listens(root_url: str) -> bool:
    port = urlsplit(root_url).port
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def test_it_serves_with_the_key_that_it_tells_until_it_is_stopped(sample: SampleOnDemand) -> None:
    found = sample.credentials()
    answer = httpx.get(f"{found.root_url}datasets", params={"key": found.secret})
    assert answer.status_code == 200
    assert answer.json()
    sample.stop()
    assert not _listens(found.root_url)


def test_it_is_started_once_and_again_where_it_has_ended(sample: SampleOnDemand) -> None:
    first = sample.credentials()
    assert sample.credentials() is first
    sample.stop()
    second = sample.credentials()
    assert _listens(second.root_url)


def test_stopped_while_it_starts_it_can_be_started_again(sample: SampleOnDemand) -> None:
    def begin() -> None:
        try:
            sample.credentials()
        except MLHubException as error:
            failures.append(error.message)

    failures: list[str] = []
    starter = threading.Thread(target=begin)
    starter.start()
    while starter.is_alive():
        sample.stop()
    # Where it was stopped before its process was there, that waits until it has started.
    assert failures in ([], ["the sample catalog did not start: its process gave no address"])
    assert _listens(sample.credentials().root_url)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM] if sys.platform != "win32" else [])
def test_it_ends_with_the_program_that_started_it(number: int) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=pipe, stdout=pipe, text=True) as parent:
        assert parent.stdout is not None
        root_url = parent.stdout.readline().strip()
        assert _listens(root_url)
        parent.send_signal(number)
    until_sync(lambda: not _listens(root_url), "the sample catalog ends")


def test_what_python_prints_at_its_start_is_no_address(
    sample: SampleOnDemand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('hello')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MLHubException, match="did not start: its process gave no address"):
        sample.credentials()
    monkeypatch.delenv("PYTHONPATH")
    assert _listens(sample.credentials().root_url)


def test_where_python_is_not_known_it_says_so() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)
