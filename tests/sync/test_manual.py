"""Scripts of radiant_mlhub run with their imports changed: examples of its manual, where it is at hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer

from . import manual

MANUAL = Path(__file__).parents[3] / "shared" / "manual-examples.md"
COUNT = 52


@pytest.mark.slow
@pytest.mark.parametrize("start", range(4))
def test_the_examples_of_the_manual_run(start: int, tmp_path: Path, sample: SampleServer) -> None:
    if not MANUAL.is_file():
        pytest.skip(f"no manual at {MANUAL}")
    given = {name: value for name, value in os.environ.items() if not name.startswith("MLHUB_")}
    variables = {
        **given,
        "MLHUB_ROOT_URL": sample.root_url,
        "MLHUB_API_KEY": sample.key,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    numbers = map(str, range(start + 1, COUNT + 1, 4))
    command = [sys.executable, "-m", "tests.sync.manual", str(MANUAL), *numbers]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    "line", ["1 + 1  # -> 3", "1 + 1  # raises ValueError", 'int("x")  # raises OSError', "1 / 0"]
)
def test_an_example_that_says_something_else_fails(line: str) -> None:
    with pytest.raises((AssertionError, ZeroDivisionError)):
        manual.run(line, {})
    assert manual.run('1 + 1  # -> 2\nint("x")  # raises ValueError', {}) == 2
