"""A pytest plugin that writes which test runs which line of the package, and how long each takes.

`pytest -p tests.mutations.covering` with MUTATIONS_MAP, a folder; each process writes a file there. The
processes that a test starts are measured by coverage itself, with the test's name as their context.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Generator, Iterable
from pathlib import Path

import coverage
import pytest

_ROOT = Path(__file__).parents[2]
_HERE = Path(__file__).parent
Lines = dict[str, dict[str, list[str]]]
"""The tests that run a line, by file and line; "" is what runs outside of any test, as imports do."""


class Covering:
    """The measuring of one pytest process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seconds: dict[str, float] = defaultdict(float)
        self._failed: set[str] = set()
        self._measured = coverage.Coverage(
            data_file=None, source=[str(_ROOT / "mlhub_tui")], config_file=False, messages=False
        )
        self._measured.start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._measured.switch_context(item.nodeid)
        os.environ |= {
            "MUTATIONS_TEST": item.nodeid,
            "MUTATIONS_ROOT": str(_ROOT),
            "COVERAGE_PROCESS_START": str(_HERE / "processes.ini"),
            "PYTHONPATH": os.pathsep.join([str(_ROOT), str(_HERE / "site")]),
        }
        done = yield
        del os.environ["COVERAGE_PROCESS_START"]
        self._measured.switch_context("")
        return done

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration
        if not report.passed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write the map: file, line, the tests that run it."""
        self._measured.stop()
        made = {
            "lines": lines_of(self._measured.get_data()),
            "seconds": self._seconds,
            "failed": sorted(self._failed),
        }
        (self._folder / f"{os.getpid()}.json").write_text(json.dumps(made))


def lines_of(data: coverage.CoverageData) -> Lines:
    """Return what was measured: the tests that run a line, by file and line."""
    return {
        Path(file).relative_to(_ROOT).as_posix(): {
            str(line): tests for line, tests in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
        if Path(file).is_relative_to(_ROOT)
    }


def lines_of_processes(folder: Path) -> Iterable[Lines]:
    """Return what was measured of the processes that tests started."""
    for path in folder.glob("process.*"):
        data = coverage.CoverageData(str(path))
        try:
            data.read()
            yield lines_of(data)
        except coverage.CoverageException:  # it was killed while it wrote
            continue


def pytest_configure(config: pytest.Config) -> None:
    """Measure this process, unless it only hands tests to others."""
    runs_tests = hasattr(config, "workerinput") or not config.getoption("numprocesses", None)
    if runs_tests and (folder := os.environ.get("MUTATIONS_MAP")):
        config.pluginmanager.register(Covering(Path(folder)))
