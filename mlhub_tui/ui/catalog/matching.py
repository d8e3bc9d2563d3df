"""Filter of the tree: what it searches of an entry, queries with facets, fuzzy matches, orders."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from ...models import BBox, Collection, Dataset, Entry, EntryKind
from ...text import date, link_names, one_line

if TYPE_CHECKING:
    from ...models import Document


TITLE, DOI, TAG, KEYWORD, PART, TYPE, LICENCE, DAY = "\x01\x02\x03\x04\x05\x06\x07\x08"
PLACE, YEAR, SENSOR, TASK, SIZE = "\x0e\x0f\x10\x11\x12"
"""The first character of a field's line; the first line, without one, is the id. Nobody can type them."""
NAMES = {TITLE: "title", DOI: "doi", TAG: "tag", KEYWORD: "keyword", PART: "collection"}
NAMES |= {PLACE: "place", YEAR: "year", SENSOR: "sensor", TASK: "task"}
FACETS = {"tag": TAG, "type": TYPE, "licence": LICENCE}
FACETS |= {"place": PLACE, "year": YEAR, "sensor": SENSOR, "task": TASK, "size": SIZE}
"""What entries are narrowed by, with the mark of its lines; keywords count as tags."""

MOST_YEARS, MOST_INTERVALS = 60, 20
"""Years of a collection that are looked for, and intervals that are looked at."""
MOST_LINES = 200
"""Years, sensors and tasks of a dataset's collections that are looked for."""


def search_text(entry: Entry) -> str:
    """Return what the filter looks at: id, title, DOI, tags, keywords, years, sensors, tasks, collections.

    In lower case, a line for each, so that no word is found across two of them.
    """
    document, identity = entry.document, _line(entry.id)
    if document is None or entry.kind is EntryKind.ITEM:
        text = identity if entry.title in ("", entry.id) else f"{identity}\n{TITLE}{entry.title}"
        lower = text.casefold()
        # Most ids are lower case: they need not be stored twice.
        return entry.id if lower == entry.id else lower
    lines = [identity, f"{TITLE}{entry.title}", f"{DOI}{document.doi}" if document.doi else ""]
    if isinstance(document, Dataset):
        lines += [f"{TAG}{tag}" for tag in document.tags]
    lines += [f"{KEYWORD}{keyword}" for keyword in document.lines("keywords")]
    lines += described(document)
    if isinstance(document, Dataset):
        lines += [f"{PART}{_line(ref.id)}" for ref in document.collections]
    return "\n".join(filter(None, lines)).casefold()


def facet_text(entry: Entry) -> str:
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
    lines += described(document)
    if words := _size_class(document):
        lines.append(f"{SIZE}{words}")
    if day := _day(document):
        lines.append(f"{DAY}{day}")
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def described(document: Document) -> list[str]:
    """Return the years, sensors and tasks that a collection states, each behind the mark of its line."""
    sensors = _summarised(document, "platform", "constellation", "instruments")
    tasks = _summarised(document, "label:tasks", "label:type")
    marked = ((YEAR, _years(document)), (SENSOR, sensors), (TASK, tasks))
    return [f"{mark}{value}" for mark, values in marked for value in values]


def described_by(entry: Entry, collections: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what the collections of a dataset state, from the lines of all by their ids."""
    refs = entry.document.collections if isinstance(entry.document, Dataset) else ()
    lines = dict.fromkeys(line for ref in refs for line in collections.get(ref.id, ()))
    return [*lines][:MOST_LINES]


def with_lines(searched: str, facet_text: str, lines: Sequence[str]) -> tuple[str, str]:
    """Return what a filter looks at of an entry and its facets, with further lines behind their marks."""
    if not lines:
        return searched, facet_text
    at = searched.find(f"\n{PART}")
    head, tail = (searched, "") if at < 0 else (searched[:at], searched[at:])
    return "\n".join([head, *map(str.casefold, lines)]) + tail, facet_text + "".join(
        f"{line}\n" for line in lines
    )


def boxes_of(entry: Entry) -> tuple[BBox, ...]:
    """Return the boxes in which an entry lies, as far as it tells by itself."""
    document = entry.document
    if isinstance(document, Collection):
        return document.extent.bboxes
    return (document.bbox,) if isinstance(document, Dataset) and document.bbox is not None else ()


def _years(document: Document) -> list[str]:
    """Return the years of a collection's data, as far as they are few enough to be looked for."""
    found: dict[str, None] = {}
    for interval in document.extent.intervals[:MOST_INTERVALS] if isinstance(document, Collection) else ():
        start, end = date(interval.start)[:4], date(interval.end)[:4]
        if start.isdigit() and (not end or end.isdigit()):
            last = int(end) if end else int(start)
            found |= dict.fromkeys(
                f"{year}" for year in range(int(start), min(last, int(start) + MOST_YEARS) + 1)
            )
    return [*found][:MOST_YEARS]


_SIZES = (
    (10**8, "under 100 MB"),
    (10**9, "100 MB to 1 GB"),
    (10**10, "1 to 10 GB"),
    (10**11, "10 to 100 GB"),
)


def _size_class(document: Document) -> str:
    """Return how large a collection's own assets are together; empty where none states its size."""
    assets = document.assets if isinstance(document, Collection) else ()
    total = sum(asset.size or 0 for asset in assets)
    return next((words for most, words in _SIZES if total < most), "over 100 GB") if total else ""


def _summarised(document: Document, *keys: str) -> list[str]:
    """Return the words that the summaries of a collection list under some keys."""
    summaries = document.summaries if isinstance(document, Collection) else {}
    lists = (summaries.get(key) for key in keys)
    words = [one_line(word, 60) for values in lists if isinstance(values, list) for word in values[:20]]
    return [word for word in dict.fromkeys(words) if word]


def day_of(facet_text: str) -> str:
    """Return the day in the text of an entry's facets; empty where there is none."""
    return facet_text.partition(f"\n{DAY}")[2][:10] or (facet_text[1:11] if facet_text[:1] == DAY else "")


def fields(searched: str) -> list[tuple[str, str]]:
    """Return the fields of what the filter looks at, each by its name."""
    return [
        (NAMES[line[0]], line[1:]) if line[:1] in NAMES else ("id", line)
        for line in searched.split("\n")
        if line
    ]


def parts(searched: str) -> str:
    """Return what the filter looks at of the ids of a dataset's collections; empty where it names none."""
    at = searched.find(f"\n{PART}")
    return searched[at:] if at >= 0 else ""


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


SHORTEST, _LONGEST = 3, 40
"""Letters of a word that something may come near: fewer are in almost any text."""
_SKIPPED = 3
"""Letters left out in the middle of a word, at most."""


class FuzzyMatch(NamedTuple):
    """Where the letters of a word are in a text."""

    pieces: int
    at: tuple[int, ...]


def pieces_allowed(term: str) -> int:
    """Return in how many pieces a word may be found: 2 of `knya`, 3 of `kencrop`."""
    return 1 + len(term) // 3


def in_order(term: str, text: str) -> bool:
    """Whether all letters of a word come in a text, in order: a cheap look before a close one."""
    letters = iter(text)
    return all(letter in letters for letter in term)


def fuzzy_match(term: str, text: str) -> FuzzyMatch | None:
    """Return where a text comes near a word in the fewest pieces; None where it does not.

    The first piece begins with a word of the text. Each further one begins with a later word too, or stands
    in the same word after up to three letters that were left out. A number is not taken apart.

    - `term`, `text`: In lower case; the text is one field.
    """
    if not SHORTEST <= len(term) <= _LONGEST or not in_order(term, text):
        return None
    starts = [match.start() for match in _WORD.finditer(text)]
    failed: dict[tuple[int, int], int] = {}

    def rest(number: int, at: int, pieces: int) -> tuple[int, ...] | None:
        """Return where the letters from `number` on are behind a place, in so many more pieces at most."""
        if number == len(term):
            return ()
        if failed.get((number, at), -1) >= pieces:
            return None
        places = [(at, pieces)] if text[at : at + 1] == term[number] else []
        if pieces and not (term[number].isdigit() and term[number - 1].isdigit()):
            places += [(place, pieces - 1) for place in next_places(term[number], at)]
        for place, left in places:
            if (more := rest(number + 1, place + 1, left)) is not None:
                return (place, *more)
        failed[number, at] = pieces
        return None

    def next_places(letter: str, at: int) -> list[int]:
        """Return where a letter may begin the next piece, the nearest first."""
        inside = range(at + 1, min(at + 1 + _SKIPPED, len(text)))
        near = [place for place in inside if text[place] == letter and text[at:place].isalpha()]
        return sorted({*near, *(place for place in starts if place > at and text[place] == letter)})

    for pieces in range(pieces_allowed(term)):
        for start in starts:
            if text[start] == term[0] and (more := rest(1, start + 1, pieces)) is not None:
                return FuzzyMatch(pieces + 1, (start, *more))
    return None


_WORD = re.compile(r"\d+|[^\W\d_]+")
"""A word, or a number, of a text."""
_NAME = "tag|type|licen[cs]e|place|year|sensor|task|size"
_TOKEN = re.compile(rf"""(?:{_NAME})[=:](?:"[^"]*"?|\S*)|\S+""", re.IGNORECASE)
_FACET = re.compile(rf"""({_NAME})([=:])"?([^"]*)"?$""", re.IGNORECASE)
_DOI = re.compile(r"^(?:doi:|(?:https?://)?(?:dx\.)?doi\.org/)")


@dataclass(frozen=True, slots=True)
class Facet:
    """Something that entries have in common.

    - `name`: `tag`, `type`, `licence`, `place`, `year`, `sensor`, `task` or `size`.
    - `value`: What it is, without quotes.
    - `exact`: Whether it is that (`tag=crop`), or holds it (`tag:crop`).
    """

    name: str
    value: str
    exact: bool = True

    def written(self) -> str:
        """Return it as it stands in a filter."""
        value = self.value.replace('"', "")
        quoted = f'"{value}"' if not value or re.search(r"\s", value) else value
        return f"{self.name}{'=' if self.exact else ':'}{quoted}"

    def fits(self, facet_text: str) -> bool:
        """Whether an entry with this text of facets, in lower case and without quotes, is meant."""
        mark, value = FACETS[self.name], self.value.replace('"', "").casefold()
        if self.exact:
            return f"\n{mark}{value}\n" in f"\n{facet_text}"
        return re.search(f"{mark}[^\n]*{re.escape(value)}", facet_text) is not None


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: terms in lower case that must all be found, and facets that must all fit."""

    terms: tuple[str, ...] = ()
    facets: tuple[Facet, ...] = ()

    def fits(self, facet_text: str) -> bool:
        """Whether an entry with this text of facets has what it is narrowed to."""
        plain = facet_text.casefold().replace('"', "")
        return all(facet.fits(plain) for facet in self.facets)


def parse(words: str) -> Query:
    """Return the query that somebody typed; a facet without a value, being typed, is none yet."""
    terms: list[str] = []
    facets: list[Facet] = []
    for token in _TOKEN.findall(words):
        facet = _facet(token)
        if facet is None:
            term = _DOI.sub("", token.casefold())
            terms += [term] if term else []
        elif facet.value:
            facets.append(facet)
    return Query(tuple(terms), tuple(facets))


def toggled(words: str, facet: Facet) -> str:
    """Return the words of a filter with a facet, or without it where it was there; facets stand first."""
    tokens = _TOKEN.findall(words)
    others = [token for token in tokens if not _same(_facet(token), facet)]
    return " ".join(others if len(others) < len(tokens) else [facet.written(), *others])


def to_type_on(words: str) -> str:
    """Return the words of a filter as one types on: a facet at the end is a word of its own."""
    tokens = _TOKEN.findall(words)
    return f"{words} " if tokens and _facet(tokens[-1]) is not None else words


def _facet(token: str) -> Facet | None:
    match = _FACET.match(token)
    if match is None:
        return None
    name = match[1].lower().replace("license", "licence")
    return Facet(name, match[3].strip(), match[2] == "=")


def _same(one: Facet | None, other: Facet) -> bool:
    if one is None or (one.name, one.exact) != (other.name, other.exact):
        return False
    return one.value.casefold() == other.value.replace('"', "").casefold()


TITLES = {
    "type": "Type",
    "task": "Task or kind of label",
    "place": "Country or continent",
    "year": "Year",
    "sensor": "Sensor",
    "size": "Size of the collection's files",
    "tag": "Tag or keyword",
    "licence": "Licence",
}
_NAMES = {mark: name for name, mark in FACETS.items()}
_WORDS = {("type", "source_imagery"): "source imagery"}
MOST = 500
"""Values of a kind that are offered, the most frequent first."""


@dataclass(frozen=True, slots=True)
class FacetCount:
    """A facet with how many entries have it.

    - `facet`: The facet.
    - `number`: How many entries there would be with it.
    - `words`: What it is called.
    """

    facet: Facet
    number: int
    words: str


def facet_counts(facet_texts: Iterable[str], chosen: Iterable[Facet] = ()) -> dict[str, list[FacetCount]]:
    """Return what entries can be narrowed by, the most frequent first, and in any case what is chosen.

    - `facet_texts`: Those of the entries that are shown now.
    - `chosen`: The facets they are narrowed by.
    """
    counted = Counter(chain.from_iterable(text.split("\n") for text in facet_texts if text))
    found: dict[str, list[FacetCount]] = {name: [] for name in TITLES}
    seen: set[tuple[str, str]] = set()
    for line, number in counted.most_common():
        name, value = _NAMES.get(line[:1], ""), line[1:]
        mark = (name, value.casefold())
        if name and value and mark not in seen and len(found[name]) < MOST:
            seen.add(mark)
            found[name].append(FacetCount(Facet(name, value), number, _words(name, value)))
    for facet in chosen:
        if facet.exact and (facet.name, facet.value.casefold()) not in seen:
            found[facet.name].append(FacetCount(facet, 0, _words(facet.name, facet.value)))
    for several in found.values():
        several.sort(key=lambda one: (-one.number, one.words.casefold()))
    return {name: several for name, several in found.items() if several}


def _words(name: str, value: str) -> str:
    return _WORDS.get((name, value), value)


LISTED = ""
ORDERS = {LISTED: "as listed", "title": "by title", "id": "by id", "newest": "newest first"}
"""The orders by their names, in the order in which a key goes through them."""


def following(order: str) -> str:
    """Return the order after one."""
    names = list(ORDERS)
    return names[(names.index(order) + 1) % len(names)] if order in ORDERS else LISTED
