"""What a download command has imported when it asks a server for the first time, counted in modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.http_server import Answer, LoopbackServer

SCRIPT = """
import json, os, sys

def watch(event, arguments):
    if event == "socket.connect" and arguments[1][1:] == (PORT,):
        print(json.dumps([name for name, module in sys.modules.items() if module]), flush=True)
        os._exit(0)

sys.addaudithook(watch)
sys.argv[1:] = ARGUMENTS
from mlhub_tui.__main__ import main
main()
"""
NOT_NEEDED_YET = {
    "h11",
    "anyio",
    "httpcore",
    "textual",
    "rich",
    "pygments",
    "pystac",
    "shapely",
    "humanize",
    "dask",
    "tarfile",
    "truststore",
}
OF_TRANSFERS = {
    f"mlhub_tui.{name}"
    for name in (
        "transfer.single_file",
        "transfer.parallel",
        "transfer.batch",
    )
}


@pytest.mark.parametrize(
    ("command", "own"), [("x", 86), ("item x y", 64), ("dataset x", 64)], ids=["archive", "item", "dataset"]
)
def test_little_is_imported_before_the_first_request_of_a_download(
    command: str, own: int, tmp_path: Path
) -> None:
    with LoopbackServer(lambda _: Answer(404)) as server:
        arguments = ["download", *command.split(), "--root-url", server.root, "--output-dir", str(tmp_path)]
        script = SCRIPT.replace("PORT", str(server.port)).replace("ARGUMENTS", repr(arguments))
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "MLHUB_HOME": str(tmp_path / "home"), "MLHUB_API_KEY": "a-key-of-a-test"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    names = json.loads(done.stdout)
    assert {name.partition(".")[0] for name in names} & NOT_NEEDED_YET == set()
    assert set(names) & OF_TRANSFERS == set()
    assert len([name for name in names if name.startswith("mlhub_tui")]) < own
    assert len(names) < 345, "of httpx, asyncio, click and all that they need"
