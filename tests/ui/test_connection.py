"""The connection of the screens: opened by what is at the place, and called by a short name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlhub_tui.auth import Kind, for_location
from mlhub_tui.errors import EntityDoesNotExist
from mlhub_tui.options import AppOptions
from mlhub_tui.ui.app import MLHubApp
from mlhub_tui.ui.source_connection import open_connection


async def test_a_path_is_looked_at_and_called_by_its_folder(tmp_path: Path) -> None:
    catalog = {"type": "Catalog", "stac_version": "1.0.0", "id": "c", "description": "d", "links": []}
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    connection = await open_connection(for_location(str(tmp_path)))
    assert (connection.source.kind, connection.credentials.kind) == (Kind.STATIC, Kind.STATIC)
    assert connection.name == f"static {tmp_path.name}", "many are called catalog.json"
    assert str(tmp_path / "catalog.json") in connection.words
    await connection.source.aclose()
    with pytest.raises(EntityDoesNotExist):
        await open_connection(for_location(str(tmp_path / "gone.tar.gz")))


def test_the_app_starts_with_the_source_that_was_named(tmp_path: Path) -> None:
    app = MLHubApp(AppOptions(source=str(tmp_path / "catalog.json")))
    assert app.start_error is None
    assert app.DEFAULT_MODE == "browse"
    lost = MLHubApp(AppOptions(source="no-such-source"))
    assert lost.start_error is not None
    assert "no-such-source" in lost.start_error.message
    assert lost.DEFAULT_MODE == "profiles"
