"""Modules that threads import at the same time do not wait for each other."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import importlib, sys, threading
import typing  # as click, Textual and the API do: dataclasses looks into it while another thread loads it
sys.setswitchinterval(1e-5)  # another thread's turn in the middle of everything
failed = []

def load(*names):
    def run():
        for name in names:
            try:
                try:
                    importlib.import_module(f"mlhub_tui.{name}")
                except KeyError:  # importlib takes a package out of sys.modules for a moment
                    importlib.import_module(f"mlhub_tui.{name}")
            except BaseException as error:
                failed.append(f"{name}: {error!r}")
    return threading.Thread(target=run, daemon=True)

threads = [
    load("auth", "models", "config"),
    load("auth.location", "models.search", "config.config"),
    load("sources.open_source", "http.session", "sources.mlhub"),
    load("queue.service", "planning.resolver", "queue.run_job"),
    load("sample", "sample.server"),
    load("ui.catalog.loader", "ui.screens.browse", "ui.catalog.nodes", "ui.source_connection"),
    load("transfer.parallel", "ui.widgets.detail_view", "http.cache"),
    load("sources.static.source", "sources.stac.api_source"),
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(60)
    if thread.is_alive():
        failed.append("still waits")
sys.exit("; ".join(failed) or 0)
"""


def test_modules_are_imported_in_threads_side_by_side() -> None:
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
