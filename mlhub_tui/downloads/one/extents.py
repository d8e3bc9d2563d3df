"""Which bytes of a file are there: sorted stretches, each from its first byte to the one after its last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Extents: TypeAlias = tuple[tuple[int, int], ...]
"""Sorted, none empty, none touching the next."""


def merged(stretches: Iterable[tuple[int, int]]) -> Extents:
    """Return stretches in any order, overlapping or not, as extents."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if end <= start:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return tuple(result)


def gaps(extents: Extents, total: int) -> Extents:
    """Return what is missing of a file of `total` bytes."""
    starts = [0, *(end for _, end in extents)]
    ends = [*(start for start, _ in extents), total]
    return tuple((start, end) for start, end in zip(starts, ends, strict=True) if start < end)


def covered(extents: Extents) -> int:
    """Return the number of bytes."""
    return sum(end - start for start, end in extents)


def prefix(extents: Extents) -> int:
    """Return how many bytes are there from the start of the file on without a gap."""
    return extents[0][1] if extents and extents[0][0] == 0 else 0


def clipped(extents: Extents, size: int) -> Extents:
    """Return what of it lies in the first `size` bytes."""
    return merged((start, min(end, size)) for start, end in extents)


def to_text(extents: Extents) -> str:
    """Return extents as one string for the database: `0-100 200-300`."""
    return " ".join(f"{start}-{end}" for start, end in extents)


def from_text(stored: str) -> Extents:
    """Return the extents of such a string."""
    pairs = (word.partition("-") for word in stored.split())
    return merged((int(start), int(end)) for start, _, end in pairs)
