"""Which tests run: those that take long or need a server only when asked for, and then none is skipped."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

MARKS = frozenset({"slow", "servers", "ssh", "cluster", "terminal"})
"""The marks of tests that `pytest` alone leaves out; pyproject.toml says what each needs."""
MAY_SKIP = ("no recorded answers at", "root may ")
"""How the reasons begin for which a test may be skipped even under --no-skips."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("marks")
    group.addoption("--all", action="store_true", help="run the marked tests too (slow, servers, ssh, ...)")
    group.addoption("--no-skips", action="store_true", help="fail a test in place of skipping it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the marked tests out, unless they are asked for: by --all, by -m, or by a path within tests."""
    if config.option.all or config.option.markexpr or _names_a_part(config):
        return
    marked = [item for item in items if _is_marked(item)]
    if marked:
        config.hook.pytest_deselected(items=marked)
        items[:] = [item for item in items if not _is_marked(item)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that is skipped where it may not be."""
    report = yield
    if report.skipped and item.config.option.no_skips and not hasattr(report, "wasxfail"):
        assert isinstance(report.longrepr, tuple)
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not reason.startswith(MAY_SKIP):
            report.outcome = "failed"
            report.longrepr = f"skipped under --no-skips: {reason}"
    return report


def _is_marked(item: pytest.Item) -> bool:
    return any(mark.name in MARKS for mark in item.iter_markers())


def _names_a_part(config: pytest.Config) -> bool:
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return False
    tests = Path(__file__).parent
    paths = [(config.invocation_params.dir / argument.split("::")[0]).resolve() for argument in config.args]
    return all(tests in path.parents for path in paths)
