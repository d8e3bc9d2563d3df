"""`mlhub-tui sample serve`: what it prints is enough for another client."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from ..support.waiting import PATIENCE
from .conftest import Run, command_line


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(number: int) -> None:
    with subprocess.Popen(
        command_line("sample", "serve"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "MLHUB_ROOT_URL=" in line)
        found = re.search(r"MLHUB_ROOT_URL=(\S+) MLHUB_API_KEY=(\S+)", line)
        assert found is not None
        with urllib.request.urlopen(f"{found[1]}datasets?key={found[2]}", timeout=PATIENCE) as answer:
            assert len(json.load(answer)) >= 30
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in err
    assert process.returncode == 128 + number


@pytest.mark.parametrize(("port", "code"), [("70000", 2), ("x", 2)])
def test_an_impossible_port_is_a_usage_error(run: Run, port: str, code: int) -> None:
    assert run("sample", "serve", "--port", port).exit_code == code


def test_a_port_in_use_is_one_line(run: Run, sample: object) -> None:
    port = re.search(r":(\d+)/", getattr(sample, "root_url", ""))
    assert port is not None
    result = run("sample", "serve", "--port", port[1], code=1)
    assert f"port {port[1]} cannot be used" in result.stderr


@pytest.mark.parametrize("rate", ["fast", "-1", "1e3"])
def test_a_rate_is_a_number_with_a_unit(run: Run, rate: str) -> None:
    assert run("sample", "serve", "--rate", rate).exit_code == 2
