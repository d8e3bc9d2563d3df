"""A map that takes too many bytes loses coast first, no footprint, and never its shape."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.ui.map.economy import Run, economical

COAST, FOOTPRINT = 2, 4
WIDTH = 40
cells = st.sampled_from([(" ", 0), ("⠒", COAST), ("⡇", COAST), ("⣤", FOOTPRINT), ("⣿", FOOTPRINT)])


def runs(row: list[tuple[str, int]]) -> list[Run]:
    made = [Run(*row[0])]
    for text, look in row[1:]:
        if look in (0, made[-1].layer):
            made[-1] = Run(made[-1].text + text, made[-1].layer)
        else:
            made.append(Run(text, look))
    return made


@given(st.lists(st.lists(cells, min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=6))
def test_rows_keep_their_width_and_footprints(rows: list[list[tuple[str, int]]]) -> None:
    picture = [runs(row) for row in rows]
    economical(picture, WIDTH * len(rows), COAST, FOOTPRINT)
    for row, before in zip(picture, rows, strict=True):
        text = "".join(run.text for run in row)
        assert len(text) == WIDTH
        lighter = text.replace("8", "⣿").replace("o", "⣤")
        assert all(lighter[at] == letter for at, (letter, look) in enumerate(before) if look == FOOTPRINT)


def test_what_is_short_enough_stays() -> None:
    row = [Run(" " * 30, 0), Run("⠒⠒", COAST), Run(" ⣤", FOOTPRINT)]
    picture = [[*row], [Run(" " * 34, 0)], [Run(" " * 34, 0)]]
    economical(picture, 34 * 3, COAST, FOOTPRINT)
    assert picture[0] == row
