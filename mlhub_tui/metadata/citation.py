"""Citations read: who, when, what, which version and where, of sentences in any of many styles."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..text import link_names, one_line

LONGEST = 2_000
"""Characters of a citation that are read."""
MOST_AUTHORS = 100


@dataclass(frozen=True, slots=True)
class Author:
    """An author: a person by family and given names, or a body by its name alone."""

    family: str
    given: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """What a citation says; empty where that is not sure.

    Parameters
    ----------
    authors
        In its order.
    others
        Whether it leaves out more of them (`et al.`).
    year
        Four digits.
    """

    authors: tuple[Author, ...] = ()
    others: bool = False
    year: str = ""
    title: str = ""
    version: str = ""
    publisher: str = ""


_YEAR = re.compile(r"\(((?:19|20)\d\d)[a-z]?\)")
_BARE_YEAR = re.compile(r"\b((?:19|20)\d\d)\b")
_QUOTED = re.compile(r'["“”„«]\s*([^"“”„«»]{3,400}?)[\s.,]*["“”»]')
_VERSION = re.compile(r"\bversion\s+(\d[\w.]*\w|\d)", re.IGNORECASE)
_TITLE_END = re.compile(r"\.\s|\.$|,?\s*\(?version\s|\s\[|\s\(\d", re.IGNORECASE)
_PUBLISHERS = (
    "Radiant MLHub",
    "Zenodo",
    "figshare",
    "IEEE Dataport",
    "Source Cooperative",
    "PANGAEA",
    "Dryad",
)
_INITIALS = re.compile(r"(?:[A-ZÀ-Þ]\.?[\s-]?){1,4}")
_LAST_INITIALS = re.compile(r"(.+?),?\s+((?:[A-ZÀ-Þ]\.?-?){1,3})")
_FIRST_INITIALS = re.compile(r"((?:[A-ZÀ-Þ]\.-?\s?){1,3})\s*(.+)")
_MIDDLE_INITIAL = re.compile(r"(\w[\w'’-]+(?:\s[A-ZÀ-Þ]\.)+)\s+(\S.*)")
_AND = re.compile(r",?\s*(?:&|\band\b)\s*")
_BODY = re.compile(
    r"\b(?:foundation|department|university|universität|université|universidad|institute?|institut|labs?|"
    r"laboratory|centers?|centres?|agency|company|team|tech|insights?|inc|ltd|llc|gmbh|group|consortium|kit|"
    r"project|services?|data|network|bank|ministry|survey|office|bureau|council|organi[sz]ation|society|"
    r"observatory|commission|administration|corporation|corp|nasa|esa|usgs|noaa|programme|program|partners|"
    r"earth|of|for|the)\b",
    re.IGNORECASE,
)
_PARTICLES = {
    "al",
    "ben",
    "bin",
    "da",
    "de",
    "del",
    "della",
    "den",
    "der",
    "di",
    "dos",
    "du",
    "el",
    "la",
    "le",
}
_PARTICLES |= {"ter", "van", "von", "zu"}


def read(citation: str, bodies: frozenset[str] = frozenset()) -> Citation:
    """Return what a citation says.

    Parameters
    ----------
    citation
        One sentence or several.
    bodies
        Names that are known to be those of bodies, not of persons: of providers.
    """
    text = one_line(link_names(citation[: 2 * LONGEST]))[:LONGEST]
    year = _YEAR.search(text)
    quoted = _QUOTED.search(text)
    end = min([m.start() for m in (year, quoted) if m is not None], default=0)
    others, authors = _authors(text[:end], bodies)
    title = one_line(quoted[1]) if quoted is not None and " " in quoted[1] else ""
    if quoted is None and year is not None:
        title = _title(text[year.end() :])
    bare = _BARE_YEAR.search(text[:end]) if year is None and end else None
    version = _VERSION.search(text)
    return Citation(
        authors=authors,
        others=others,
        year=year[1] if year is not None else bare[1] if bare is not None else "",
        title=title,
        version=version[1] if version is not None else "",
        publisher=next((name for name in _PUBLISHERS if name.casefold() in text.casefold()), ""),
    )


def _title(rest: str) -> str:
    """Return the title that stands behind the year, up to where something else begins."""
    rest = rest.lstrip(" .,:;")
    end = _TITLE_END.search(rest)
    title = one_line(rest[: end.start()] if end is not None else rest)
    return title if 3 < len(title) <= 300 else ""


def person_or_body(name: str) -> Author:
    """Return one author: of `Amer, Karim`, `K. Rao` and `Karim Amer` a person, of anything else a body."""
    found = _one(one_line(name, 200), frozenset())
    return found or Author(one_line(name, 200))


def _authors(text: str, bodies: frozenset[str]) -> tuple[bool, tuple[Author, ...]]:
    """Return whether authors are left out, and those that are named; none where it cannot be told."""
    text = _BARE_DATE.sub("", text).strip(" ,:;-")
    text = text if _ENDS_SHORT.search(text) else text.rstrip(" .")
    others = bool(_ET_AL.search(text))
    text = _ET_AL.sub("", text).strip(" ,;&")
    if not text or len(text) > LONGEST // 2:
        return False, ()
    if ";" in text:
        parts = [part.strip(" ,&") for part in text.split(";")]
    else:
        parts = _joined([p.strip() for piece in _AND.split(text) for p in piece.split(",")], text)
    authors = [_one(part, bodies) for part in parts if part]
    if not authors or len(authors) > MOST_AUTHORS or None in authors:
        return False, ()
    return others, tuple(author for author in authors if author is not None)


_ENDS_SHORT = re.compile(r"\b\w\.$")
_IN_BRACKETS = re.compile(r"\s*\([A-Z][\w-]{1,11}\)\.?$")
_ET_AL = re.compile(r"[,;]?\s*\bet\.?\s+al\b\.?")
_BARE_DATE = re.compile(
    r",?\s*(?:\d{1,2}\s+)?(?:january|february|march|april|may|june|july|august|september|october|november|december)"
    r"\s+(?:\d{1,2},\s*)?(?:19|20)\d\d.*$",
    re.IGNORECASE,
)


def _joined(parts: list[str], text: str) -> list[str]:
    """Return parts with initials put to the family name before them: `Rao`, `K.` is `Rao, K.`."""
    joined: list[str] = []
    for part in parts:
        if part and joined and _INITIALS.fullmatch(part) and not _LAST_INITIALS.fullmatch(joined[-1]):
            joined[-1] = f"{joined[-1]}, {part}"
        elif part:
            joined.append(part)
    # `Amer, Karim` and nothing else is one person.
    if (
        len(joined) == 2
        and text.count(",") == 1
        and all(len(p.split()) == 1 for p in joined)
        and "&" not in text
    ):
        return [", ".join(joined)] if not any(p.isupper() for p in joined) else joined
    return joined


def _one(name: str, bodies: frozenset[str]) -> Author | None:
    """Return an author; None for what is no name: too long, or with digits in it."""
    name = name.strip(" .") + ("." if name.rstrip().endswith(".") else "")
    words = name.split()
    if not words or len(name) > 120 or len(words) > 10 or any(c.isdigit() for c in name):
        return None
    plain = name.rstrip(".")
    bare = _IN_BRACKETS.sub("", plain)
    if "(" in bare or (bare != plain and len(bare) < 4):
        return None
    if plain.casefold() in bodies or bare != plain or _BODY.search(plain) or _shouted(plain):
        return Author(plain)
    family, comma, given = name.partition(",")
    if comma and given.strip():
        return Author(family.strip(), given.strip())
    for pattern, order in ((_LAST_INITIALS, (1, 2)), (_FIRST_INITIALS, (2, 1)), (_MIDDLE_INITIAL, (2, 1))):
        if (match := pattern.fullmatch(name)) is not None and len(match[order[0]].split()) <= 3:
            return Author(match[order[0]].strip(" ,"), match[order[1]].strip())
    if len(words) == 2:
        return Author(plain.split()[1], words[0])
    particle = next((n for n, word in enumerate(words[1:], 1) if word.casefold() in _PARTICLES), 0)
    if particle and len(words) <= 5:
        return Author(" ".join(words[particle:]).rstrip("."), " ".join(words[:particle]))
    return Author(plain)


def _shouted(name: str) -> bool:
    """Tell whether a name has a word of capitals too long for initials, as `GFDRR Labs`."""
    return any(len(word) > 3 and word.isupper() for word in re.findall(r"\w+", name))
