"""Bytes to the terminal: what a slow SSH line has to carry at 80x24."""

from __future__ import annotations

import time

from mlhub_tui.sample.server import SampleServer

from .conftest import Starter, queue_archive
from .harness import Terminal

SSH = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}
FOLLOWS = 0.09
"""Seconds in which the tree has moved and the detail, which waits 0.12, has not followed yet."""


def cost(terminal: Terminal, key: str) -> tuple[int, int]:
    """Return the bytes that a key costs: the move alone, and with the detail that follows."""
    terminal.settle()
    terminal.press(key)
    move = len(terminal.read(FOLLOWS))
    terminal.settle()
    return move, 0


def test_it_is_silent_at_rest_and_short_of_words_at_work(start: Starter, slow: SampleServer) -> None:
    terminal = start(server=slow, **SSH)
    terminal.until("BigEarthNet")
    terminal.press("j", "j", "j")
    terminal.settle(0.6)

    idle = len(terminal.read(3.0))

    before = len(terminal.raw)
    terminal.press("\x1b[B")
    down = len(terminal.read(FOLLOWS))
    terminal.settle()
    down_with_detail = len(terminal.raw) - before

    before = len(terminal.raw)
    terminal.press("\x1b[6~")
    page = len(terminal.read(FOLLOWS))
    terminal.settle()
    page_with_detail = len(terminal.raw) - before

    terminal.press("\x1b[H")
    terminal.settle()
    queue_archive(terminal, "ref_landcovernet_eu_v1_source_sentinel_1")
    queue_archive(terminal, "open_cities_ai_challenge_train_tier_1_source")
    terminal.press("2")
    terminal.until(lambda: terminal.text.count("downloading") >= 2)
    terminal.read(1.0)
    began = time.monotonic()
    rate = len(terminal.read(3.0)) / (time.monotonic() - began)
    terminal.press("q")
    terminal.until("running")
    terminal.press("y")
    terminal.end()

    print(f"idle {idle} B in 3 s; Down {down} B ({down_with_detail} B with the detail); PageDown {page} B")
    print(f"({page_with_detail} B with the detail); two transfers {rate:.0f} B/s")
    assert idle == 0
    assert down <= 700
    assert page <= 8000
    assert rate <= 4000
