"""Over a line of 1 Mbit/s with 150 ms there and back: how long a key takes, and what it costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer

from ..support.relay import Relay
from ..terminal.harness import COMMAND, Terminal
from .conftest import Dial
from .namespace import far_namespace
from .server import SSHServer, ssh_server

pytestmark = [pytest.mark.ssh, pytest.mark.timeout(180)]
DOWN, UP = "\x1b[B", "\x1b[A"
TYPED = 12
"""Keys that are pressed at once, faster than any of them is answered."""
PATIENT = 1.0
"""Seconds beyond the way there and back that a key may take on a busy machine; 20 ms on a quiet one."""


@dataclass(frozen=True)
class Way:
    """A way to an sshd.

    Parameters
    ----------
    server
        The sshd.
    port
        Where to find it, if not where it listens.
    before
        What runs ssh.
    round_trip
        Seconds that anything needs at least, there and back.
    """

    server: SSHServer
    port: int | None
    before: list[str | Path]
    round_trip: float


@pytest.fixture(params=["relay", "tc"])
def way(request: pytest.FixtureRequest, sshd: SSHServer, tmp_path: Path) -> Iterator[Way]:
    """Yield a slow way: through a relay of our own, or shaped by the kernel between two namespaces."""
    if request.param == "relay":
        with Relay(sshd.port, 0.075, 1e6 / 8, host=sshd.address) as line:
            yield Way(sshd, line.port, [], 2 * line.delay)
        return
    with far_namespace() as far, ssh_server(tmp_path / "far-sshd", far.address) as server:
        yield Way(server, None, far.enter, far.round_trip)


def test_keys_are_answered_in_a_round_trip_with_some_hundred_bytes(
    way: Way, dial: Dial, sample: SampleServer, out: Path
) -> None:
    command = [COMMAND, "--root-url", sample.root_url, "--api-key", sample.key, "--output-dir", out]
    began = time.monotonic()
    terminal = dial(way.server, command, port=way.port, before=way.before)
    terminal.until("BigEarthNet")
    started, drawn = time.monotonic() - began, len(terminal.raw)
    terminal.settle()
    terminal.press("j", "j")
    taken, sizes = [], []
    for key in (DOWN, UP) * 2:
        seconds, size = answered(terminal, key)
        taken.append(seconds)
        sizes.append(size)
    at_once = typed(terminal)
    terminal.settle(1.5)
    idle = len(terminal.read(0.7))
    print(
        f"round trip {way.round_trip * 1000:.0f} ms: a key {statistics.median(taken) * 1000:.0f} ms, "
        f"{statistics.median(sizes):.0f} B; {TYPED} at once {at_once} B; the first screens {drawn} B "
        f"within {started:.1f} s; at rest {idle} B"
    )
    # What comes sooner than the line allows is the detail of the key before, late on a busy machine.
    answers = [seconds for seconds in taken if seconds >= way.round_trip]
    assert answers, f"the line answers sooner than it can: {taken}"
    assert min(answers) < way.round_trip + PATIENT
    assert statistics.median(sizes) <= 300
    assert at_once <= TYPED * 300
    assert drawn <= 16_000, "an eighth of a second on this line"
    assert idle == 0


def answered(terminal: Terminal, key: str) -> tuple[float, int]:
    """Press a key; return the seconds until the first byte that answers, and the bytes before the detail."""
    terminal.settle(0.3)
    before, pressed = len(terminal.raw), time.monotonic()
    terminal.press(key)
    terminal.until(lambda: len(terminal.raw) > before)
    taken = time.monotonic() - pressed
    terminal.read(0.07)
    return taken, len(terminal.raw) - before


def typed(terminal: Terminal) -> int:
    """Press many keys at once; return the bytes that answer until the detail tells of where they lead to."""
    terminal.press("g")
    terminal.settle(0.3)
    before = len(terminal.raw)
    terminal.press(*["j"] * TYPED)
    terminal.until("landcovernet_v1")
    return len(terminal.raw) - before
