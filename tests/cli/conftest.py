"""How the tests of the command line run it: in this process, or as the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mlhub_tui.cli import root
from mlhub_tui.sample.server import SampleServer

Command = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Run:
    """Runs the command line in this process; nothing but an exit may come out of it.

    `folder` is for what the commands read and write.
    """

    folder: Path

    def __call__(self, *arguments: str | Path, code: int | None = None, **keywords: Any) -> Result:
        """Return what a command printed, and how it ended: with this exit code, where one is given."""
        result = CliRunner().invoke(root, [*map(str, arguments)], prog_name="mlhub-tui", **keywords)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert code in (None, result.exit_code), result.output
        return result

    def json(self, *arguments: str | Path) -> Any:
        """Return what a command prints with `--json`."""
        return json.loads(self(*arguments, "--json").stdout)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.fixture
def on_sample(sample: SampleServer, monkeypatch: pytest.MonkeyPatch) -> SampleServer:
    """Point the environment to the sample catalog, with its key."""
    monkeypatch.setenv("MLHUB_ROOT_URL", sample.root_url)
    monkeypatch.setenv("MLHUB_API_KEY", sample.key)
    return sample


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SampleServer]:
    """A sample catalog that is slow enough to be interrupted."""
    with SampleServer(rate=300_000) as server:
        monkeypatch.setenv("MLHUB_ROOT_URL", server.root_url)
        monkeypatch.setenv("MLHUB_API_KEY", server.key)
        yield server


def command_line(*arguments: str) -> Sequence[str]:
    """Return the real command."""
    return [sys.executable, "-m", "mlhub_tui", *arguments]


@pytest.fixture
def command() -> Command:
    """Run the real command in a process of its own, without a terminal."""

    def call(*arguments: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command_line(*arguments),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, **environ},
            check=False,
        )

    return call
