"""The filters of the dataset listing: `tags` must match as they are, `text` is looked for everywhere."""

from __future__ import annotations

from .catalogue import DatasetEntry


def matches(entry: DatasetEntry, tags: list[str], phrases: list[str]) -> bool:
    """Return whether a dataset has all the tags and contains all the phrases, upper or lower case."""
    if not set(tags) <= set(entry.raw["tags"]):
        return False
    text = _text(entry) if phrases else ""
    return all(phrase.casefold() in text for phrase in phrases)


def _text(entry: DatasetEntry) -> str:
    raw = entry.raw
    words = [
        entry.id,
        raw.get("title"),
        raw["description"],
        raw["citation"],
        raw["doi"],
        raw["creator"],
        *raw["tags"],
    ]
    words += [collection.id for collection in entry.collections]
    return "\n".join(word for word in words if word).casefold()
