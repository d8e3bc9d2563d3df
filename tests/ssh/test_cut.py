"""The main job over SSH, with a connection that is cut in the middle of the download."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from mlhub_tui.sample.server import SampleServer

from ..support.relay import Relay
from ..terminal.conftest import queue_archive
from ..terminal.harness import COMMAND, Terminal, state_of
from .conftest import Dial, Tmux
from .server import SSHServer

pytestmark = [pytest.mark.ssh, pytest.mark.timeout(180)]
ARCHIVE = "ref_fusion_competition_south_africa_train_source_planet"
"""An archive of 14 MB."""
CUT_AT = 1_000_000
"""Bytes after which the line is cut."""
STEP = 200_000
"""What is safely on disk by then, since the journal lags behind by a second at most."""
OTHER = {"Range": "bytes=0-99999999"}
"""What the test itself asks for, to know its requests from those of the app."""


def app_on(server: SampleServer, out: Path) -> list[str | Path]:
    """Return the command of the app on a catalogue."""
    return [COMMAND, "--root-url", server.root_url, "--api-key", server.key, "--output-dir", out]


def size_of(path: Path) -> int:
    """Return the bytes of a file, 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def sha256_of(server: SampleServer, collection: str) -> str:
    """Return the checksum of an archive as the catalogue has it, fetched by another client."""
    url = f"{server.root_url}archive/{collection}"
    answer = httpx.get(url, params={"key": server.key}, headers=OTHER, follow_redirects=True)
    return hashlib.sha256(answer.raise_for_status().content).hexdigest()


def starts(server: SampleServer) -> list[int]:
    """Return from which byte on each request asked for the archive."""
    asked = [request.range for request in server.store.requests if request.method == "GET"]
    asked = [one for one in asked if one != OTHER["Range"]]
    return [int(one.removeprefix("bytes=").partition("-")[0]) if one else 0 for one in asked]


def test_what_ssh_ran_ends_with_the_line_and_its_download_goes_on_at_the_next_start(
    sshd: SSHServer, dial: Dial, tmux: Callable[[str], Tmux], slow: SampleServer, out: Path
) -> None:
    whole, part = out / f"{ARCHIVE}.tar.gz", out / f"{ARCHIVE}.tar.gz.part"
    local = [*tmux("local").command, "new-session"]
    terminal = dial(sshd, app_on(slow, out), before=local)
    fetch_some(terminal, part)
    app = running(sshd)
    os.kill(client_of(sshd.port), signal.SIGKILL)
    terminal.until(lambda: has_ended(app))
    terminal.end()  # the tmux here had nothing but the client
    assert size_of(part) >= CUT_AT and not whole.exists()

    slow.store.rate = None
    terminal = dial(sshd, app_on(slow, out))
    terminal.until(ARCHIVE[:20])  # where it was left: the list of transfers, with its entry
    finish(terminal, whole, slow)
    first, *others = starts(slow)
    assert first == 0 and others and min(others) >= STEP, "bytes that were fetched are not fetched again"
    leave(terminal)


def test_who_comes_back_before_the_far_end_knows_of_the_cut_sees_the_download_and_takes_it_over(
    sshd: SSHServer, dial: Dial, slow: SampleServer, out: Path
) -> None:
    whole, part = out / f"{ARCHIVE}.tar.gz", out / f"{ARCHIVE}.tar.gz.part"
    with Relay(sshd.port, host=sshd.address) as line:
        terminal = dial(sshd, app_on(slow, out), port=line.port)
        fetch_some(terminal, part)
        line.hold()
        old = sshd.sessions()
        slow.store.rate = None  # the next who asks: what the first program fetches stays slow
        terminal = dial(sshd, app_on(slow, out))
        terminal.until("BigEarthNet")
        terminal.press("2")
        terminal.until("»")  # the program that lost its terminal has it
        terminal.until(ARCHIVE[:20])
        sshd.cut(old)
    finish(terminal, whole, slow)
    assert starts(slow)[1:], "the second program went on by itself"
    assert min(starts(slow)[1:]) >= STEP
    leave(terminal)


def fetch_some(terminal: Terminal, part: Path) -> None:
    """Find the archive, queue it, and watch until some of it is there."""
    terminal.until("BigEarthNet")
    queue_archive(terminal, ARCHIVE)
    terminal.press("2")
    terminal.until("downloading")
    terminal.until(lambda: size_of(part) >= CUT_AT)


def leave(terminal: Terminal) -> None:
    """Quit, and look at what is left of it."""
    terminal.press("q")
    terminal.end()
    assert terminal.status == 0
    assert not terminal.left_over - {7}, "tmux leaves the wrapping of lines as it is"


def finish(terminal: Terminal, whole: Path, server: SampleServer) -> None:
    """Wait for its end, and look whether the file is what the catalogue has."""
    terminal.until(lambda: whole.exists() and "done" in terminal.text)
    assert hashlib.sha256(whole.read_bytes()).hexdigest() == sha256_of(server, ARCHIVE)
    assert [path.name for path in whole.parent.iterdir()] == [whole.name]


def running(sshd: SSHServer) -> int:
    """Return the process of the app that a session runs."""
    (found,) = [pid for pid in processes(COMMAND.name) if ancestors(pid) & set(sshd.sessions())]
    return found


def has_ended(pid: int) -> bool:
    """Tell whether a process has ended; where nobody asks how, it stays as a zombie."""
    try:
        return state_of(pid) == "Z"
    except (OSError, IndexError):
        return True


def client_of(port: int) -> int:
    """Return the ssh that is connected to a port."""
    (found,) = [pid for pid in processes("ssh") if f"\0{port}\0" in command_of(pid)]
    return found


def processes(word: str) -> list[int]:
    """Return the processes whose program or script has a name."""
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in numbers if word in [Path(part).name for part in command_of(pid).split("\0")[:2]]]


def command_of(pid: int) -> str:
    """Return the command line of a process, its parts ended by NUL; empty where there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def ancestors(pid: int) -> set[int]:
    """Return the processes from which one comes."""
    found = set()
    while pid > 1:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            break
        pid = int(fields[1])
        found.add(pid)
    return found


def test_in_tmux_at_the_far_end_it_goes_on_while_nobody_is_there(
    sshd: SSHServer, dial: Dial, tmux: Callable[[str], Tmux], brisk: SampleServer, out: Path
) -> None:
    whole, part = out / f"{ARCHIVE}.tar.gz", out / f"{ARCHIVE}.tar.gz.part"
    far = tmux("far").command
    terminal = dial(sshd, [*far, "new-session", "-s", "work", *app_on(brisk, out)])
    fetch_some(terminal, part)
    sshd.cut()
    terminal.end()
    before = size_of(part)
    terminal.until(lambda: whole.exists() or size_of(part) > before)

    terminal = dial(sshd, [*far, "attach", "-t", "work"])
    terminal.until(ARCHIVE[:20])
    finish(terminal, whole, brisk)
    assert starts(brisk) == [0], "one request: it never stopped"
    leave(terminal)
