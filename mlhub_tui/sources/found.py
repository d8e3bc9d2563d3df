"""What was found at a location: the answer to "is this a source, and of what kind?"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..auth import Kind
from ..errors import UnexpectedAnswer
from ..models import Document
from ..text import count


class NotASource(UnexpectedAnswer):
    """What is at a location is no source; the message says what it is, the hint what to name instead."""

    default_hint = "name the root of a STAC API, a catalog.json or collection.json, a folder or a .tar.gz"


@dataclass(frozen=True, slots=True)
class Found:
    """A source that was looked at.

    Parameters
    ----------
    kind
        What it speaks; None where it shows nothing without a key.
    location
        Where it is, as `Credentials.root_url` wants it; may differ from what was given.
    title
        What it calls itself, cleaned, on one line; may be empty.
    description
        The same at length, cleaned.
    counts
        How many of what are directly in it, where that was cheap to learn: `collections`, `datasets`,
        `catalogs and collections`, `items`.
    needs_key
        Whether some or all of it wants a key that was not given.
    notes
        What else is to be known, a sentence each.
    document
        Its landing document, where it has one.
    """

    kind: Kind | None
    location: str
    title: str = ""
    description: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    needs_key: bool = False
    notes: tuple[str, ...] = ()
    document: Document | None = field(default=None, repr=False)

    @property
    def kind_words(self) -> str:
        """The kind for people."""
        return {
            Kind.MLHUB: "an MLHub API",
            Kind.STAC_API: "a STAC API",
            Kind.STATIC: "a static STAC catalog",
            None: "something that wants a key",
        }[self.kind]

    @property
    def counts_words(self) -> str:
        """The counts for people, empty where nothing was counted."""
        return ", ".join(count(n, _ONE.get(noun, noun[:-1]), noun) for noun, n in self.counts.items())


_ONE = {"catalogs and collections": "catalog or collection"}
"""The singular, where it is more than the word without its last letter."""
