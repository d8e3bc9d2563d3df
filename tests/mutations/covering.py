"""A pytest plugin that writes which test runs which line of the package, and how long each takes.

`pytest -p tests.mutations.covering` with MUTATIONS_MAP, a folder; each process writes a file there.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import coverage
import pytest

_FOLDER = Path(os.environ["MUTATIONS_MAP"])
_ROOT = Path(__file__).parents[2]
_seconds: dict[str, float] = defaultdict(float)
_failed: set[str] = set()
_measured = coverage.Coverage(data_file=None, source=[str(_ROOT / "mlhub_tui")], config_file=False)
_measured.start()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    _measured.switch_context(item.nodeid)
    done = yield
    _measured.switch_context("")
    return done


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] += report.duration
    if not report.passed:
        _failed.add(report.nodeid)


def pytest_sessionfinish() -> None:
    """Write the map: file, line, the tests that run it."""
    _measured.stop()
    data = _measured.get_data()
    lines: dict[str, dict[int, list[str]]] = {}
    for file in data.measured_files():
        contexts = data.contexts_by_lineno(file)
        path = Path(file).relative_to(_ROOT).as_posix()
        lines[path] = {
            line: [name for name in names if name not in _failed] for line, names in contexts.items()
        }
    (_FOLDER / f"{os.getpid()}.json").write_text(json.dumps({"lines": lines, "seconds": _seconds}))
