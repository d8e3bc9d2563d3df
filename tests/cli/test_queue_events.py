"""`mlhub-tui queue log`: what happened to a transfer, whichever program ran it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mlhub_tui.queue.client import QueueClient
from mlhub_tui.sample.server import SampleServer

from .conftest import Command, Run

LABELS = "ref_african_crops_kenya_02_labels"


def test_what_another_process_did_is_printed_with_its_time(
    on_sample: SampleServer, command: Command, run: Run, tmp_path: Path
) -> None:
    run("queue", "add", LABELS, "--output-dir", tmp_path)
    assert command("queue", "run", "--until-empty").returncode == 0
    lines = run("queue", "log", "1").stdout.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  \S", line) for line in lines)
    assert lines[0].endswith("queued")
    assert any("starts by `queue run`, pid " in line for line in lines)
    assert "done: 255.0 kB" in lines[-1]
    found = [json.loads(line) for line in run("queue", "log", "1", "--json", "--follow").stdout.splitlines()]
    assert [one["number"] for one in found] == list(range(1, len(lines) + 1))
    assert found[0]["words"] == "queued"


def test_a_job_that_is_not_there_has_no_log(run: Run, mlhub_home: Path) -> None:
    result = run("queue", "log", "7", code=1)
    assert "there is no job 7" in result.stderr
    assert not (mlhub_home / "queue.db").exists(), "asking makes no queue"
    with QueueClient(mlhub_home / "queue.db"):
        pass
    assert run("queue", "log", "7").exit_code == 1
