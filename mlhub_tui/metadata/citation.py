"""How to cite a document: its attribution, own or inherited; citations read; BibTeX."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..models import Collection, Dataset, Document, Item, MLModel, Provider
from ..text import date, link_names, one_line
from .licences import Licence, licences, web_address

_LONGEST_READ = 2_000
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

    - `authors`: In its order.
    - `others`: Whether it leaves out more of them (`et al.`).
    - `year`: Four digits.
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
_PARTICLE = re.compile(r"al|ben|bin|da|de|del|della|den|der|di|dos|du|el|la|le|ter|van|von|zu", re.IGNORECASE)


def read(citation: str, bodies: frozenset[str] = frozenset()) -> Citation:
    """Return what a citation says.

    - `citation`: One sentence or several.
    - `bodies`: Names that are known to be those of bodies, not of persons: of providers.
    """
    text = one_line(link_names(citation[: 2 * _LONGEST_READ]))[:_LONGEST_READ]
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
    if not text or len(text) > _LONGEST_READ // 2:
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
    particle = next((n for n, word in enumerate(words[1:], 1) if _PARTICLE.fullmatch(word)), 0)
    if particle and len(words) <= 5:
        return Author(" ".join(words[particle:]).rstrip("."), " ".join(words[:particle]))
    return Author(plain)


def _shouted(name: str) -> bool:
    """Tell whether a name has a word of capitals too long for initials, as `GFDRR Labs`."""
    return any(len(word) > 3 and word.isupper() for word in re.findall(r"\w+", name))


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a document states of these, else what the nearest of those that it belongs to states.

    - `doi`: Without its resolver; empty where none is stated.
    - `cited`: The document whose citation counts; where none has one, what a citation can be made of.
    - `licences`: Each once; those that a dataset's record states of one collection count for that alone.
    - `providers`: As the nearest document that has any names them.
    """

    doi: str
    cited: Document
    licences: tuple[Licence, ...]
    providers: tuple[Provider, ...]

    @property
    def is_whole(self) -> bool:
        """Whether a citation, a licence and providers are stated, so that nothing is left to inherit."""
        return bool(self.cited.citation and self.licences and self.providers)

    @property
    def licence_names(self) -> list[str]:
        """The licences' identifiers."""
        return [licence.id for licence in self.licences]


def words_of(found: Iterable[Attribution]) -> tuple[str, str]:
    """Return the licences and the stated citations of several, each once; empty where none are stated."""
    known = [*found]
    names = dict.fromkeys(name for one in known for name in one.licence_names)
    citations = dict.fromkeys(link_names(one.cited.citation) for one in known if one.cited.citation)
    return ", ".join(names), "\n".join(citations)


def attribution(document: Document, above: Sequence[Document] = ()) -> Attribution:
    """Return the attribution of a document.

    - `above`: Those that it belongs to, the nearest first: an item's collection, and the dataset of that.
    """
    chain = (document, *above)
    licensed = next((found for found in _licences(chain) if found), [])
    providers = next((one.providers for one in chain if one.providers), ())
    return Attribution(
        next((one.doi for one in chain if one.doi), ""), _cited(chain), (*licensed,), providers
    )


def _cited(chain: Sequence[Document]) -> Document:
    """Return the nearest document with a citation, unless a nearer one has a DOI of its own."""
    citing = next((one for one in chain if one.citation), None)
    published = next((one for one in chain if one.doi), None)
    if citing is None or (published is not None and published.doi != citing.doi):
        ranked = [one for one in chain if one is citing or one is published]
        citing = ranked[0] if ranked else None
    if citing is not None:
        return citing
    whole = (one for one in chain if isinstance(one, MLModel | Collection | Dataset))
    return next((one for one in whole if one.providers), chain[0])


def _licences(chain: Sequence[Document]) -> Iterator[list[Licence]]:
    """Yield the licences of a document and of those above it, the nearest first."""
    ids = {one.id for one in chain if isinstance(one, Collection)}
    ids |= {one.collection_id for one in chain if isinstance(one, Item)}
    for one in chain:
        if isinstance(one, Dataset) and (stated := [r for r in one.collections if r.id in ids and r.license]):
            yield licences(Collection({"id": stated[0].id, "license": stated[0].license}))
        yield licences(one)


_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{character: f"\\{character}" for character in "&%$#_"},
}
_ESCAPES = str.maketrans(_SPECIAL)
_VERBATIM = str.maketrans({c: f"%{ord(c):02X}" for c in "{}\\ "})
_LONGEST_WRITTEN = 1_000
"""Characters of a field."""


def escaped(text: str) -> str:
    r"""Return text as LaTeX sets it, whatever characters it has; its braces are in balance.

    Not as `\{`: BibTeX counts braces without looking at what stands before them.
    """
    return one_line(text, _LONGEST_WRITTEN).translate(_ESCAPES)


def bibtex(document: Document, above: Sequence[Document] = ()) -> str:
    """Return the entry of a document: `@dataset`, for a model `@software`.

    Of one that inherits its citation from those `above` it, the nearest first, it is theirs: they are cited.

    Authors, year, title, version and publisher are those of its citation where they can be read from it,
    else the providers (the producers first) and its other metadata. The key is its id, as far as
    BibTeX takes it: it stays the same whenever it is made.
    """
    stated = attribution(document, above)
    document, providers = stated.cited, stated.providers
    known = read(document.citation, _bodies(providers))
    authors = list(known.authors) or _makers(document, providers)
    names = [_name(author) for author in authors] + (["others"] if known.others and authors else [])
    url = f"https://doi.org/{_verbatim(stated.doi)}" if stated.doi else _verbatim(address(document))
    title = known.title or document.title
    fields = {
        "author": " and ".join(names),
        # Doubly in braces: styles would make small letters of names and acronyms.
        "title": f"{{{escaped(title)}}}" if title else "",
        "year": known.year or _year(document),
        "version": escaped(known.version or document.line("version")),
        "publisher": escaped(known.publisher or _publisher(providers)),
        "doi": _verbatim(stated.doi),
        "url": url,
        "license": escaped(", ".join(stated.licence_names[:4])),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    kind = "software" if isinstance(document, MLModel) else "dataset"
    return f"@{kind}{{{key(document.id)},\n" + ",\n".join(lines) + "\n}"


def text_citation(document: Document, above: Sequence[Document] = ()) -> str:
    """Return the citation of a document as one line: its own, else an inherited one, else one made.

    That is made of its metadata, or of that of those `above` it, the nearest first.
    """
    stated = attribution(document, above)
    document, providers = stated.cited, stated.providers
    if document.citation:
        return document.citation
    authors = [f"{a.family}, {a.given}" if a.given else a.family for a in _makers(document, providers)]
    year = _year(document)
    start = ", ".join(authors[:8]) + (f" ({year})" if year and authors else "")
    where = f"https://doi.org/{stated.doi}" if stated.doi else address(document)
    parts = [start, document.title, "" if authors else year, _publisher(providers), where]
    return one_line(". ".join(part.rstrip(".") for part in dict.fromkeys(parts) if part), _LONGEST_WRITTEN)


def key(identity: str) -> str:
    """Return the key of an entry: an id as it is where BibTeX takes it, else with a short hash of it."""
    plain = re.sub(r"[^A-Za-z0-9_:.+/-]+", "-", identity[:400]).strip("-")[:80]
    if plain == identity and plain[0].isalpha():
        return plain
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{plain if plain[:1].isalpha() else f'mlhub-{plain}'.rstrip('-')}-{digest}"


def _name(author: Author) -> str:
    """Return an author as BibTeX reads it; a body in braces, so that it counts as one name."""
    if not author.given:
        return f"{{{escaped(author.family)}}}"
    family, given = escaped(author.family).replace(",", ""), escaped(author.given).replace(",", "")
    whole = f"{family}, {given}"
    return f"{{{whole}}}" if re.search(r"\band\b", whole) else whole


def _verbatim(text: str) -> str:
    """Return a DOI or address, which BibLaTeX takes as it is: only what would end the field is encoded."""
    return one_line(text, _LONGEST_WRITTEN).translate(_VERBATIM)


def _bodies(providers: Sequence[Provider]) -> frozenset[str]:
    return frozenset(provider.name.casefold() for provider in providers if "," not in provider.name)


def _makers(document: Document, providers: Sequence[Provider]) -> list[Author]:
    """Return the authors: the producers, else the first provider; of a dataset its creator."""
    providers = [provider for provider in providers if provider.name]
    producers = [provider for provider in providers if "producer" in provider.roles]
    named = [provider.name for provider in producers or providers[:1]]
    if not named and isinstance(document, Dataset) and document.creator:
        # One or several, as Markdown links.
        linked = [match[1] for match in _LINKED.finditer(document.creator)]
        if linked:
            return [Author(one_line(name, 200)) for name in linked]
        named = [document.creator]
    return [person_or_body(name) if "," in name else Author(name) for name in named]


_LINKED = re.compile(r"\[([^\[\]]+)\]\(")


def _publisher(providers: Sequence[Provider]) -> str:
    hosts = [provider.name for provider in providers if "host" in provider.roles]
    return next(iter(hosts), "")


_MOMENTS = ("published", "created", "date_added")


def _year(document: Document) -> str:
    """Return the year it was published in, where the document says; the time of the data is not it."""
    for name in _MOMENTS:
        day = date(document.fields.get(name) or document.raw.get(name) or "")
        if re.match(r"(?:19|20)\d\d-", day):
            return day[:4]
    return ""


_PAGES = ("cite-as", "via", "about", "describedby", "canonical", "self")


def address(document: Document) -> str:
    """Return the address that says most of a document, without keys; empty where it has none."""
    if isinstance(document, Dataset | Collection) and document.registry_url and document.doi:
        return web_address(document.registry_url)
    found = {
        rel: url
        for link in reversed(document.links[:1_000])
        if isinstance(rel := link.get("rel"), str) and (url := web_address(link.get("href")))
    }
    first = next((found[rel] for rel in _PAGES if rel in found), "")
    return first or web_address(document.url if isinstance(document, Item | Collection) else "")
