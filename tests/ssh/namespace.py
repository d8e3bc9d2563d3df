"""A network namespace behind a cable that `tc` makes slow: 1 Mbit/s and, with netem, 75 ms each way."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .needs import need_root, program

_NETEM = ["netem", "delay", "75ms", "rate", "1mbit"]
_TBF = ["tbf", "rate", "1mbit", "burst", "4kb", "latency", "400ms"]
"""What kernels without netem have: the rate alone."""


@dataclass(frozen=True)
class Far:
    """A namespace with a slow way to this one.

    Parameters
    ----------
    enter
        The command before one that is to run there.
    address
        Ours, as it is seen from there.
    round_trip
        Seconds that `tc` makes anything wait, both ways together.
    """

    enter: list[str | Path]
    address: str
    round_trip: float


@contextlib.contextmanager
def far_namespace() -> Iterator[Far]:
    """Make a namespace; it and its cable go when its last process does."""
    need_root("network namespaces")
    ip, tc = program("ip", "iproute2"), program("tc", "iproute2")
    # Of the addresses for tests of networks (RFC 2544), a pair that another run does not use.
    number, name = os.getpid() % (1 << 14), f"mlhub{os.getpid()}"
    ours, theirs = (f"198.18.{number >> 6}.{(number & 63) * 4 + side}" for side in (1, 2))
    holder = subprocess.Popen(
        [program("unshare", "util-linux"), "-n", "sh", "-c", "echo; read _"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with holder:
        assert holder.stdin is not None and holder.stdout is not None
        if not holder.stdout.readline():
            pytest.skip("no network namespace can be made here")
        enter: list[str | Path] = [program("nsenter", "util-linux"), "-t", str(holder.pid), "-n", "--"]
        try:
            peer = ["peer", "name", "far", "netns", str(holder.pid)]
            _run(ip, "link", "add", name, "type", "veth", *peer)
            _run(ip, "addr", "add", f"{ours}/30", "dev", name)
            _run(ip, "link", "set", name, "up")
            _run(*enter, ip, "addr", "add", f"{theirs}/30", "dev", "far")
            _run(*enter, ip, "link", "set", "far", "up")
            netem = _does(tc, "qdisc", "add", "dev", name, "root", *_NETEM)
            if not netem:
                _run(tc, "qdisc", "add", "dev", name, "root", *_TBF)
            _run(*enter, tc, "qdisc", "add", "dev", "far", "root", *(_NETEM if netem else _TBF))
            yield Far(enter, ours, 0.150 if netem else 0.0)
        finally:
            _does(ip, "link", "del", name)


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no slow network can be made here: {' '.join(map(str, command))}: {done.stderr.strip()}")


def _does(*command: str | Path) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0
