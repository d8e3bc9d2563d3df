"""BibTeX entry of a document, from its metadata alone; no server is contacted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from ..models import Collection, Dataset, Document, Item, MLModel, Provider
from ..text import date, one_line
from .attribution import attribution
from .citation import Author, person_or_body, read
from .licences import web_address

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
LONGEST = 1_000
"""Characters of a field."""


def escaped(text: str) -> str:
    r"""Return text as LaTeX sets it, whatever characters it has; its braces are in balance.

    Not as `\{`: BibTeX counts braces without looking at what stands before them.
    """
    return one_line(text, LONGEST).translate(_ESCAPES)


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
    authors = list(known.authors) or _authors(document, providers)
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
    authors = [f"{a.family}, {a.given}" if a.given else a.family for a in _authors(document, providers)]
    year = _year(document)
    start = ", ".join(authors[:8]) + (f" ({year})" if year and authors else "")
    where = f"https://doi.org/{stated.doi}" if stated.doi else address(document)
    parts = [start, document.title, "" if authors else year, _publisher(providers), where]
    return one_line(". ".join(part.rstrip(".") for part in dict.fromkeys(parts) if part), LONGEST)


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
    return one_line(text, LONGEST).translate(_VERBATIM)


def _bodies(providers: Sequence[Provider]) -> frozenset[str]:
    return frozenset(provider.name.casefold() for provider in providers if "," not in provider.name)


def _authors(document: Document, providers: Sequence[Provider]) -> list[Author]:
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
