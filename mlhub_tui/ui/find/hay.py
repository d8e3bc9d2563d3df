"""What the filter looks at: the words of an entry in one lower-case text, a line for each field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...models import Collection, Dataset, Entry, EntryKind
from ...text import date, link_names, one_line

if TYPE_CHECKING:
    from ...models import Document

TITLE, DOI, TAG, KEYWORD, PART, TYPE, LICENCE, DAY = "\x01\x02\x03\x04\x05\x06\x07\x08"
"""The first character of a field's line; the first line, without one, is the id. Nobody can type them."""
NAMES = {TITLE: "title", DOI: "doi", TAG: "tag", KEYWORD: "keyword", PART: "collection"}
FACETS = {"tag": TAG, "type": TYPE, "licence": LICENCE}
"""What entries are narrowed by, with the mark of its lines; keywords count as tags."""


def search_text(entry: Entry) -> str:
    """Return what the filter looks at: id, title, DOI, tags, keywords, ids of collections.

    In lower case, a line for each, so that no word is found across two of them.
    """
    document, identity = entry.document, _line(entry.id)
    if document is None or entry.kind is EntryKind.ITEM:
        text = identity if entry.title in ("", entry.id) else f"{identity}\n{TITLE}{entry.title}"
        lower = text.casefold()
        # Most ids are lower case: they need not be kept twice.
        return entry.id if lower == entry.id else lower
    lines = [identity, f"{TITLE}{entry.title}", f"{DOI}{document.doi}" if document.doi else ""]
    if isinstance(document, Dataset):
        lines += [f"{TAG}{tag}" for tag in document.tags]
    lines += [f"{KEYWORD}{keyword}" for keyword in document.lines("keywords")]
    if isinstance(document, Dataset):
        lines += [f"{PART}{_line(ref.id)}" for ref in document.collections]
    return "\n".join(filter(None, lines)).casefold()


def traits(entry: Entry) -> str:
    """Return what an entry can be narrowed and sorted by: tags, types, licences and a day, a line each.

    Every line ends with a newline, so that a whole one is found in the text. Items have none.
    """
    document = entry.document
    if document is None or entry.kind is EntryKind.ITEM:
        return ""
    tags, types, licences = [*document.lines("keywords")], [], [document.license]
    if isinstance(document, Dataset):
        tags += document.tags
        types = [kind for ref in document.collections for kind in ref.types]
        licences = [ref.license for ref in document.collections]
    named = [link_names(licence) for licence in licences]
    lines = [
        *(f"{TAG}{tag}" for tag in tags),
        *(f"{TYPE}{kind}" for kind in types),
        *(f"{LICENCE}{name}" for name in named if name),
    ]
    if day := _day(document):
        lines.append(f"{DAY}{day}")
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def day_of(traits: str) -> str:
    """Return the day in an entry's traits; empty where there is none."""
    return traits.partition(f"\n{DAY}")[2][:10] or (traits[1:11] if traits[:1] == DAY else "")


def fields(hay: str) -> list[tuple[str, str]]:
    """Return the fields of what the filter looks at, each by its name."""
    return [
        (NAMES[line[0]], line[1:]) if line[:1] in NAMES else ("id", line) for line in hay.split("\n") if line
    ]


def parts(hay: str) -> str:
    """Return what the filter looks at of the ids of a dataset's collections; empty where it names none."""
    at = hay.find(f"\n{PART}")
    return hay[at:] if at >= 0 else ""


def _day(document: Document) -> str:
    """Return the last day of a collection's data, else the first; of an MLHub record when it was changed."""
    if isinstance(document, Dataset):
        return date(document.line("date_modified") or document.line("date_added"))[:10]
    if not isinstance(document, Collection):
        return ""
    intervals = document.extent.intervals
    return date(intervals[0].end or intervals[0].start)[:10] if intervals else ""


def _line(identity: str) -> str:
    """Return an id on one line, without what looks like the mark of a field."""
    return identity if identity.isprintable() else one_line(identity)
