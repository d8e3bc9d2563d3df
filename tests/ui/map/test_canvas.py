"""Maps as text, for a person to review in a diff.

`MLHUB_TUI_UPDATE_SNAPSHOTS=1 pytest tests/ui/map` writes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from mlhub_tui.metadata.places import Box
from mlhub_tui.ui.map.canvas import Footprint, Layer, Outline, Scene, draw
from mlhub_tui.ui.map.projection import MapView, centred, fitted, whole

KEPT = Path(__file__).parent / "pictures"
UPDATE = bool(os.environ.get("MLHUB_TUI_UPDATE_SNAPSHOTS"))
SIZE = (80, 20)
KENYA: Box = (33.9, -4.7, 41.9, 5.5)
FIJI: Box = (176.0, -20.0, 182.0, -15.0)


def spread(box: Box, number: int) -> list[Footprint]:
    """Return footprints here and there in a box."""
    random = Random(1)
    places = ((random.uniform(box[0], box[2]), random.uniform(box[1], box[3])) for _ in range(number))
    return [Footprint((x, y, x + 0.3, y + 0.2)) for x, y in places]


TILTED = Outline((20.0, 26.0, 30.0, 24.0, 20.0), (0.0, 6.0, 2.0, -4.0, 0.0))
SCENES: dict[str, tuple[MapView, Scene]] = {
    "world": (whole(*SIZE), Scene()),
    "small-world": (whole(30, 8), Scene()),
    "wide-world": (whole(100, 8), Scene()),
    "pacific": (centred(whole(*SIZE), 180.0, 0.0), Scene([Footprint((150.0, -30.0, 220.0, 30.0))])),
    "kenya": (fitted(KENYA, *SIZE), Scene([Footprint(KENYA)], spread(KENYA, 40), Footprint((36, 0, 37, 1)))),
    "dot": (fitted(KENYA, *SIZE), Scene(current=Footprint((36, 0, 36.01, 0.01)))),
    "fiji": (fitted(FIJI, *SIZE, least=10), Scene([Footprint(FIJI)])),
    "arctic": (fitted((-180, 65, 180, 90), *SIZE), Scene([Footprint((-180.0, 70.0, 180.0, 90.0))])),
    "antarctica": (fitted((100, -90, 160, -60), *SIZE), Scene([Footprint((100.0, -90.0, 160.0, -60.0))])),
    "tilted": (
        fitted((20, -4, 30, 6), *SIZE),
        Scene(footprints=[Footprint((20.0, -4.0, 30.0, 6.0), (TILTED,))]),
    ),
    "selection": (fitted(KENYA, *SIZE), Scene(selection=(35.0, -2.0, 40.0, 3.0))),
}


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("ascii_only", [False, True], ids=["braille", "ascii"])
def test_the_map_looks_as_it_was_reviewed(name: str, ascii_only: bool) -> None:
    view, scene = SCENES[name]
    picture = draw(view, scene, ascii_only=ascii_only)
    rows = ["".join(run.text for run in row) for row in picture]
    assert len(rows) == view.rows
    assert {len(row) for row in rows} == {view.columns}
    if ascii_only:
        assert all(row.isascii() for row in rows)
        return  # the same cells in other characters: reviewed once
    shown = "\n".join(row.rstrip() for row in rows) + "\n"
    path = KEPT / f"{name}.txt"
    if UPDATE:
        KEPT.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8"), f"{path.name} differs"


def test_ascii_has_a_character_for_each_layer() -> None:
    view, scene = SCENES["kenya"]
    drawn = draw(view, Scene(*scene.extents and (scene.extents, scene.footprints, scene.current, KENYA)))
    assert {run.layer for row in drawn for run in row} >= {Layer.FOOTPRINT, Layer.CURRENT, Layer.SELECTION}
    text = "".join(run.text for row in draw(view, scene, ascii_only=True) for run in row)
    assert set(text) == set(" .,+#@")


def test_what_crosses_the_antimeridian_is_seen_from_both_sides() -> None:
    for longitude in (170.0, -170.0):
        view = centred(whole(*SIZE).zoomed(8), longitude, 0.0)
        cells = draw(view, Scene(footprints=[Footprint((175.0, -5.0, 185.0, 5.0))]))
        assert any(run.layer is Layer.FOOTPRINT for row in cells for run in row)


def test_of_very_many_footprints_some_are_drawn_all_over() -> None:
    view, _ = SCENES["kenya"]
    cells = draw(view, Scene(footprints=spread(KENYA, 30_000)))
    covered = sum(len(run.text) for row in cells for run in row if run.layer is Layer.FOOTPRINT)
    assert covered > 300
