"""A notebook: a running loop, a progress bar, a download that is interrupted and resumed."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer
from tests.support.waiting import until_sync

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ARCHIVE = "ref_african_crops_kenya_02_labels"


def test_a_notebook_lists_downloads_is_stopped_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    with SampleServer(rate=40_000) as slow, SampleServer(rate=None) as fast:
        monkeypatch.setenv("MLHUB_ROOT_URL", slow.root_url)
        monkeypatch.setenv("MLHUB_API_KEY", slow.key)
        cells = [
            "import asyncio, os\nassert asyncio.get_running_loop().is_running()\n"
            "import mlhub_tui.sync as radiant_mlhub\nlen(radiant_mlhub.Dataset.list())",
            f"collection = radiant_mlhub.Collection.fetch({ARCHIVE!r})\n"
            f"try:\n    collection.download({str(tmp_path / 'out')!r})\n"
            "except KeyboardInterrupt:\n    print('stopped')",
            f"os.environ['MLHUB_ROOT_URL'] = {fast.root_url!r}\n"
            f"collection.download({str(tmp_path / 'out')!r}).stat().st_size == collection.archive_size",
        ]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3")

        def interrupt() -> None:
            parts = (tmp_path / "out").glob
            until_sync(lambda: any(part.stat().st_size > 40_000 for part in parts("*.part")))
            asyncio.run(client.km.interrupt_kernel())

        stopping = threading.Thread(target=interrupt)
        stopping.start()
        client.execute()
        stopping.join()
    first, second, third = (cell.outputs for cell in notebook.cells)
    assert first[-1]["data"]["text/plain"] == "45"
    texts = [output.get("text", "") for output in second]
    assert any("stopped" in text for text in texts)
    assert any(ARCHIVE in text for text in texts), texts  # the bar
    assert third[-1]["data"]["text/plain"] == "True"
