"""What differs between two drawings of a line, so that nothing else goes to the terminal."""

from __future__ import annotations

from textual.strip import Strip


def changed_cells(old: Strip, new: Strip) -> tuple[int, int]:
    """Return the cells from the first to the last that differ; all are one cell wide."""
    if old == new:
        return 0, 0
    before = [(letter, style) for text, style, _ in old for letter in text]
    after = [(letter, style) for text, style, _ in new for letter in text]
    if len(before) != len(after):
        return 0, new.cell_length
    differ = [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    return (differ[0], differ[-1] + 1) if differ else (0, 0)
