"""Esc with other keys right behind it, as a slow line brings them in one packet."""

from __future__ import annotations

import pytest

from mlhub_tui.sample.server import SampleServer

from .conftest import Starter

pytestmark = pytest.mark.terminal


def test_esc_and_keys_in_one_packet_close_and_then_act(start: Starter, sample: SampleServer) -> None:
    terminal = start(server=sample)
    terminal.until("BigEarthNet")
    terminal.press("?")
    terminal.until("esc closes")
    terminal.press("\x1b2")
    terminal.until(lambda: "esc closes" not in terminal.text and "Nothing is queued" in terminal.text)
    terminal.press("1")
    terminal.until("BigEarthNet")
    terminal.press("/kenya\x1bG\x1b[A\x1b?")
    terminal.until("esc closes")
    terminal.press("\x1b")
    terminal.until(lambda: "esc closes" not in terminal.text and "kenya" not in terminal.lines[-2])
    terminal.press("\x1bq")
    terminal.end()
    assert terminal.status == 0
