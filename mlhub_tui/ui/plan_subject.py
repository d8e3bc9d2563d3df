"""What a plan is of: a dataset, or collections that are taken together."""

from __future__ import annotations

from dataclasses import dataclass

from ..text import size


@dataclass(frozen=True, slots=True)
class PlanSubject:
    """What a plan is of.

    Parameters
    ----------
    id
        The id of the dataset, or what the collections are called together.
    title
        What people know it as.
    collections
        The ids of its collections.
    ticked
        Those that are ticked at first; none: all.
    licence, citation
        Where they are stated.
    """

    id: str
    title: str
    collections: tuple[str, ...]
    ticked: tuple[str, ...] = ()
    licence: str = ""
    citation: str = ""


def reading_words(words: str, done: int, total: int | None) -> str:
    """Return how far the reading of a catalog is, as `plan_dataset` tells it."""
    if not done:
        return f"{words}…"
    return f"{words}: {size(done)}" + (f" of {size(total)}, {done * 100 // total} %" if total else "")
