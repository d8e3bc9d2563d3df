"""Bytes to the terminal: what a slow SSH line has to carry at 80x24."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer

from .conftest import Starter, queue_archive
from .harness import COMMAND, Terminal

pytestmark = pytest.mark.terminal

FOLLOWS = 0.07
"""Seconds after the first bytes: the tree has moved, the detail, which waits 0.12, has not followed."""


def test_it_is_silent_at_rest_and_short_of_words_at_work(
    start: Starter, slow: SampleServer, tmp_path: Path
) -> None:
    """Two apps with a home each: one at rest, while the other transfers two archives."""
    ssh = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}
    resting = start(server=slow, **ssh)
    busy = start(server=slow, MLHUB_HOME=str(tmp_path / "busy"), **ssh)
    for terminal in (resting, busy):
        terminal.until("BigEarthNet")
    resting.press("j", "j", "j")
    queue_archive(busy, "ref_landcovernet_eu_v1_source_sentinel_1")
    queue_archive(busy, "open_cities_ai_challenge_train_tier_1_source")
    busy.press("2")
    busy.until(lambda: busy.text.count("downloading") >= 2)
    resting.settle(1.0)

    began = time.monotonic()
    written = 0
    while time.monotonic() - began < 3.0:
        written += len(busy.read(0.2))
    rate = written / (time.monotonic() - began)
    idle = len(resting.read())

    down, down_with_detail = cost(resting, "\x1b[B", 700)
    page, page_with_detail = cost(resting, "\x1b[6~", 8000)
    print(
        f"idle {idle} B in 3 s; two transfers {rate:.0f} B/s; Down {down} B, {down_with_detail} B with the "
        f"detail; PageDown {page} B, {page_with_detail} B with the detail"
    )
    assert idle == 0
    assert rate <= 4000
    assert down <= 350
    assert page <= 4000


def answered(terminal: Terminal, key: str) -> float:
    """Press a key and return the seconds until something is drawn."""
    before, pressed = len(terminal.raw), time.monotonic()
    terminal.press(key)
    terminal.until(lambda: len(terminal.raw) > before)
    return time.monotonic() - pressed


def cost(terminal: Terminal, key: str, most: int) -> tuple[int, int]:
    """Return the bytes that a key costs: the move alone, and with the detail that follows.

    Where it cost more than it may the detail may have come too soon, since we were late: it is pressed again.
    """
    for _ in range(12):
        terminal.settle(0.3)
        before = len(terminal.raw)
        terminal.press(key)
        terminal.until(lambda: len(terminal.raw) > before)  # noqa: B023 - called at once
        terminal.read(FOLLOWS)
        move = len(terminal.raw) - before
        terminal.read(0.5)
        if move <= most:
            break
    return move, len(terminal.raw) - before


EIGHT = (
    "ref_landcovernet_eu_v1_source_sentinel_1",
    "open_cities_ai_challenge_train_tier_1_source",
    "bigearthnet_v1_source",
    "bigearthnet_v1_labels",
    "ref_landcovernet_au_v1_source_sentinel_2",
    "ref_landcovernet_na_v1_source_sentinel_2",
    "ref_landcovernet_sa_v1_source_sentinel_2",
    "ref_landcovernet_as_v1_source_sentinel_2",
)


def test_eight_transfers_at_once_are_short_of_words_and_keys_are_answered(
    start: Starter, slow: SampleServer, environment: dict[str, str], out: Path
) -> None:
    def queue(*arguments: str) -> bytes:
        command: list[str | Path] = [COMMAND, "queue", *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True).stdout

    queue("set", "--transfers", "8", "--per-host", "8")
    source = ("--root-url", slow.root_url, "--api-key", slow.key, "--output-dir", str(out))
    queue("add", *EIGHT, *source)
    busy = start(server=slow, SSH_CONNECTION="192.0.2.1 50000 192.0.2.2 22")
    busy.until("2 Downloads")
    busy.press("2")
    busy.until(lambda: busy.text.count("downloading") >= 8)
    began, written = time.monotonic(), 0
    while time.monotonic() - began < 3.0:
        written += len(busy.read(0.2))
    rate = written / (time.monotonic() - began)
    assert busy.text.count("downloading") >= 8, busy.text
    waits = [answered(busy, key) for key in "jjkjkj"]
    while min(waits) >= 0.5 and len(waits) < 60:  # a busy machine may be late for some
        waits.append(answered(busy, "jk"[len(waits) % 2]))
    # All in one packet, as a slow line delivers what was typed: each field gets its own.
    busy.press("R")
    busy.until("ctrl+s applies")
    busy.press("500k\t7\t6\t1\x13")
    busy.until("limit 500.0 kB/s")
    wanted = {"limit": 500_000, "transfers": 7, "per_host": 6, "connections": 1}
    assert json.loads(queue("set", "--json")) == wanted
    print(f"eight transfers {rate:.0f} B/s; a key is answered within {max(waits) * 1000:.0f} ms")
    assert rate <= 4000
    assert min(waits) < 0.5


DOWN, PAGE_DOWN, REDRAW = "\x1b[B", "\x1b[6~", "\x0c"
SCREENS: tuple[tuple[str, str, int], ...] = (
    # keys, what is there then, and the bytes that they may cost
    ("?", "Go to the top", 14_000),
    (DOWN, "Go to the top", 1_000),
    (PAGE_DOWN, "", 4_000),
    ("\x1b", "BigEarthNet", 9_000),
    (",", "characters", 14_000),
    (DOWN, "characters", 1_000),
    ("\x1b", "BigEarthNet", 9_000),
    ("/kenya_02_sour\r", "CV4A Kenya", 16_000),
    ("\r", "Overview", 9_000),
    (DOWN, "Overview", 3_000),
    ("i", "_00_20190706", 9_000),
    (DOWN, "_00_20190706", 700),
    ("m", "2019", 9_000),
    ("l", "2019", 3_500),
    ("J", '"id"', 9_000),
    (DOWN, '"id"', 700),
    ("\x1b", "CV4A Kenya", 9_000),
    ("s", "Box", 12_000),
    ("\x13", "52", 9_000),
    (DOWN, "52", 700),
    (PAGE_DOWN, "52", 4_000),
    ("3", "sample catalog", 7_000),
)


@pytest.mark.timeout(400)
def test_screens_cost_what_they_change_and_leave_nothing_behind(start: Starter, sample: SampleServer) -> None:
    """On the terminal is what a redraw of everything puts there, and that costs far more."""
    costs = walked(start, sample)
    for _ in range(2):
        # On a busy machine what was fetched for the key before comes late, with this one's.
        if all(took <= most for took, (*_, most) in zip(costs, SCREENS, strict=True)):
            break
        costs = [min(pair) for pair in zip(costs, walked(start, sample), strict=True)]
    told = [(keys, took, most) for (keys, _, most), took in zip(SCREENS, costs, strict=True)]
    print(told)
    assert [one for one in told if one[1] > one[2]] == []


def walked(start: Starter, sample: SampleServer) -> list[int]:
    """Press all keys in an app of their own; return the bytes that were drawn for each."""
    terminal = start(server=sample, SSH_CONNECTION="192.0.2.1 50000 192.0.2.2 22")
    terminal.until("BigEarthNet")
    terminal.settle(0.3)
    costs = []
    for keys, words, most in SCREENS:
        took = drawn_for(terminal, keys, words)
        for _ in range(10 if keys == DOWN else 0):
            if took <= most:
                break
            took = drawn_for(terminal, keys, words)
        costs.append(took)
    return costs


def drawn_for(terminal: Terminal, keys: str, words: str) -> int:
    """Press keys and return the bytes that are drawn for them; all that is to be seen is drawn then."""
    before = len(terminal.raw)
    terminal.press(keys)
    terminal.until(lambda: len(terminal.raw) > before)
    terminal.until(words)
    terminal.settle(1.0)
    shown, drawn = picture(terminal), len(terminal.raw)
    terminal.press(REDRAW)
    terminal.until(lambda: len(terminal.raw) > drawn)
    terminal.until(lambda: picture(terminal) == shown)
    return drawn - before


def picture(terminal: Terminal) -> list[object]:
    """Return what is on the screen: letters, and how each cell looks."""
    return [*terminal.lines, *(terminal.looks(row) for row in range(len(terminal.lines)))]
