"""What tests of planning share."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture
def without_shapely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `import shapely` fail, as where it is not installed."""
    monkeypatch.setitem(sys.modules, "shapely", None)
