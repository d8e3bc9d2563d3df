"""STAC documents as received: tolerant, cleaned access to catalogs, collections, items, and their assets."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import NotValidSTAC, UnexpectedAnswer
from ..text import clean, one_line
from .extent import BBox, Extent, Interval, item_bbox

if TYPE_CHECKING:
    import pystac

JsonDict = dict[str, Any]
_IANA = re.compile(r"https?://www\.iana\.org/assignments/(?:link-relations|relation)[/#]+")
_NO_DATA = re.compile(r"html|xml|^image/|^text/plain")  # media types


def identity(value: object) -> str:
    """Return an id as text, empty where it is none; databases and data frames write numbers."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if number or isinstance(value, str) else ""


def link_objects(raw: Mapping[str, Any]) -> list[JsonDict]:
    """Return the link objects of a document; those of an object of links, as STAC 0.6 had it, by relation.

    Relations are in small letters (RFC 8288, section 2.1.1), and those of IANA's list without its address.
    """
    links = raw.get("links")
    if isinstance(links, dict):
        links = [
            {"rel": relation, **({"href": entry} if isinstance(entry, str) else entry)}
            for relation, value in links.items()
            for entry in (value if isinstance(value, list) else [value])
            if isinstance(entry, dict | str)
        ]
    return [_plain(entry) for entry in links if isinstance(entry, dict)] if isinstance(links, list) else []


def _plain(link: JsonDict) -> JsonDict:
    """Return a link with its relation in its plain form."""
    if not isinstance(rel := link.get("rel"), str) or (rel.islower() and rel.isalpha()):
        return link
    return {**link, "rel": _IANA.sub("", rel.strip().lower())}


def asset_entries(value: object) -> Mapping[str, Any]:
    """Return the entries of an `assets` field by key; those of a list by what they call themselves."""
    if isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for number, entry in enumerate(value if isinstance(value, list) else ()):
        named = entry if isinstance(entry, dict) else {}
        names = (one_line(identity(named.get(name))) for name in ("key", "id", "name", "title"))
        key = next(filter(None, names), str(number))
        found[key if key not in found else f"{key}-{number}"] = entry
    return found


def links_of(raw: Mapping[str, Any], *relations: str, pages: bool = False) -> list[JsonDict]:
    """Return the links of a document that lead to data; `pages` for browsers and the like are left out."""
    return [
        link
        for link in link_objects(raw)
        if str(link.get("rel")) in relations
        if isinstance(href := link.get("href"), str) and href.strip()
        if pages or not _NO_DATA.search(str(link.get("type")).lower())
    ]


@dataclass(frozen=True, slots=True)
class Provider:
    """Who made, licenses or hosts the data (STAC Collection spec, Provider Object)."""

    name: str
    roles: tuple[str, ...] = ()
    url: str = ""
    email: str = ""


@dataclass(frozen=True, repr=False)
class Document:
    """A JSON object with an id.

    - `raw`: The object as received; never changed.
    - `url`: Where it was fetched from, without keys: what its relative links and hrefs resolve against (not
      its `self` link, which is often wrong); empty where that is not known.
    - `inherited`: Fields of its collection that hold for it where it has none of its own; see
      `sources.asset_links`.
    """

    raw: JsonDict = field(repr=False)
    url: str = field(default="", kw_only=True, repr=False, compare=False)
    inherited: JsonDict = field(default_factory=dict, kw_only=True, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.raw, dict) or not identity(self.raw.get("id")):
            kind = type(self).__name__.lower()
            raise UnexpectedAnswer(f"the server sent a {kind} without an id")

    @property
    def id(self) -> str:
        """The identity as received, of a number its digits; clean it before drawing (`label`)."""
        return identity(self.raw["id"])

    @property
    def label(self) -> str:
        """The id as it may be drawn."""
        return one_line(self.id) or UNREADABLE

    @property
    def fields(self) -> Mapping[str, Any]:
        """Where descriptive fields are: the object itself, or an item's properties."""
        return self.raw

    @property
    def title(self) -> str:
        """The title on one line; the id where there is none."""
        return self.line("title") or self.label

    @property
    def description(self) -> str:
        """The description, possibly Markdown, possibly many lines."""
        return self.text("description").strip()

    def text(self, key: str) -> str:
        """Return a field as cleaned text, empty where it is missing, null or no scalar."""
        value = self.fields.get(key)
        return clean(value) if isinstance(value, str | int | float) else ""

    def line(self, key: str) -> str:
        """Return a field as cleaned text on one line."""
        return one_line(self.text(key))

    def lines(self, key: str) -> tuple[str, ...]:
        """Return a list of strings, cleaned; a bare string counts as a list of one."""
        return _strings(self.fields.get(key))

    def objects(self, key: str) -> list[JsonDict]:
        """Return the JSON objects in a list field; anything else in it is left out."""
        value = self.fields.get(key)
        return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The providers in order, each once, roles of a repeated one merged."""
        merged: dict[tuple[str, str], Provider] = {}
        for entry in self.objects("providers"):
            name, url = one_line(entry.get("name")), one_line(entry.get("url"))
            known = merged.get((name, url), Provider(name, (), url, one_line(entry.get("email"))))
            roles = tuple(dict.fromkeys((*known.roles, *_strings(entry.get("roles")))))
            merged[(name, url)] = Provider(name, roles, url, known.email)
        return tuple(merged.values())

    @property
    def links(self) -> list[JsonDict]:
        """The link objects; see `link_objects`."""
        return link_objects(self.raw)

    @property
    def license(self) -> str:
        """The licence as the document has it: an SPDX id, `proprietary`, or a Markdown link."""
        return self.line("license")

    @property
    def doi(self) -> str:
        """The DOI without its resolver: `10.34911/rdnt.dw605x`; empty where there is none."""
        value = self.line("sci:doi") or self.line("doi")
        return value.removeprefix("https://doi.org/").removeprefix("http://doi.org/").removeprefix("doi:")

    @property
    def citation(self) -> str:
        """The citation on one line; empty where there is none."""
        return self.line("sci:citation") or self.line("citation")

    def __str__(self) -> str:
        return f"{self.label}: {self.title}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.label!r})"

    def __hash__(self) -> int:
        return hash((type(self), self.id))


UNREADABLE = "(unreadable id)"
"""What is drawn of an id of which nothing may be drawn."""
NO_ID = "(no id)"
"""The id of catalogs that have none."""
LARGEST_SIZE = 2**63 - 1
"""Bytes; no file is larger, and it is the largest integer of SQLite and of file systems."""


def _size(value: object) -> int | None:
    """Return a JSON value that should be a number of bytes, or None where it cannot be one."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_SIZE:
        return value
    return None


def _strings(value: object) -> tuple[str, ...]:
    """Return the non-empty strings of a JSON value that should be a list of strings."""
    entries = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(text for entry in entries if isinstance(entry, str) and (text := one_line(entry)))


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset (STAC Item spec, Asset Object).

    `href` is as received and may hold a token: redact it before drawing.
    """

    key: str
    href: str
    title: str = ""
    media_type: str = ""
    roles: tuple[str, ...] = ()
    size: int | None = None
    bands: tuple[JsonDict, ...] = field(default=(), repr=False)
    raw: JsonDict = field(default_factory=dict, repr=False)

    @classmethod
    def parse_all(cls, value: Any) -> tuple[Asset, ...]:
        """Return the assets of an `assets` field; entries that are no objects are left out."""
        entries = asset_entries(value).items()
        return tuple(cls._parse(str(key), entry) for key, entry in entries if isinstance(entry, dict))

    @classmethod
    def _parse(cls, key: str, raw: JsonDict) -> Asset:
        bands = raw.get("bands") or raw.get("eo:bands")
        href = raw.get("href")
        return cls(
            key=key,
            href=href if isinstance(href, str) else "",
            title=one_line(raw.get("title")),
            media_type=one_line(raw.get("type")),
            roles=_strings(raw.get("roles")),
            size=_size(raw.get("file:size")),
            bands=tuple(b for b in bands if isinstance(b, dict)) if isinstance(bands, list) else (),
            raw=raw,
        )

    @property
    def label(self) -> str:
        """The key as it may be drawn."""
        return one_line(self.key)


class Catalog(Document):
    """A STAC catalog as received (STAC Catalog spec); one without an id still leads to what is below it."""

    def __post_init__(self) -> None:
        if not isinstance(self.raw, dict):
            raise UnexpectedAnswer("the server sent a catalog that is no object")

    @property
    def id(self) -> str:
        """The identity as received; `NO_ID` where there is none."""
        return identity(self.raw.get("id")) or NO_ID

    @property
    def extensions(self) -> tuple[str, ...]:
        """The STAC extensions' identifiers."""
        return self.lines("stac_extensions")

    @property
    def conforms_to(self) -> tuple[str, ...]:
        """The conformance classes that the landing page of an API declares."""
        return self.lines("conformsTo")

    def to_pystac(self) -> pystac.Catalog:
        """Return the pystac catalog; raises NotValidSTAC if pystac refuses the document."""
        catalog: pystac.Catalog = pystac_view("Catalog", self.raw)
        return catalog


class Collection(Document):
    """A STAC collection as received (STAC Collection spec)."""

    @property
    def extent(self) -> Extent:
        """Where and when; empty where the document does not say."""
        return Extent.parse(self.raw.get("extent"))

    @property
    def keywords(self) -> tuple[str, ...]:
        """The keywords, cleaned."""
        return self.lines("keywords")

    @property
    def summaries(self) -> Mapping[str, Any]:
        """The summaries as received; clean before drawing."""
        value = self.raw.get("summaries")
        return value if isinstance(value, dict) else {}

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The collection's own assets."""
        return Asset.parse_all(self.raw.get("assets"))

    @property
    def item_assets(self) -> tuple[Asset, ...]:
        """What each item offers, where the document says so."""
        return Asset.parse_all(self.raw.get("item_assets"))

    @property
    def extensions(self) -> tuple[str, ...]:
        """The STAC extensions' identifiers."""
        return self.lines("stac_extensions")

    @property
    def registry_url(self) -> str | None:
        """The page of the dataset in the registry, made of the DOI as radiant_mlhub does."""
        return f"https://mlhub.earth/{self.doi}" if self.doi else None

    def to_pystac(self) -> pystac.Collection:
        """Return the pystac collection; raises NotValidSTAC if pystac refuses the document."""
        collection: pystac.Collection = pystac_view("Collection", self.raw)
        return collection


class Item(Document):
    """A STAC item as received (STAC Item spec)."""

    @property
    def properties(self) -> Mapping[str, Any]:
        """The properties as received; clean before drawing."""
        value = self.raw.get("properties")
        return value if isinstance(value, dict) else {}

    @property
    def fields(self) -> Mapping[str, Any]:
        """Descriptive fields of an item are its properties."""
        return self.properties

    @property
    def collection_id(self) -> str:
        """The id of the collection it belongs to, as received; empty where it does not say."""
        return identity(self.raw.get("collection"))

    @property
    def bbox(self) -> BBox | None:
        """The bounding box on the globe, from the geometry where the item has none."""
        return item_bbox(self.raw.get("bbox"), self.raw.get("geometry"))

    @property
    def interval(self) -> Interval:
        """When: `datetime`, or the range `start_datetime` to `end_datetime` where that is null."""
        moment = one_line(self.properties.get("datetime"))
        if moment:
            return Interval(moment, moment)
        start, end = self.properties.get("start_datetime"), self.properties.get("end_datetime")
        return Interval(one_line(start), one_line(end))

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The item's assets in the order received."""
        return Asset.parse_all(self.raw.get("assets"))

    def to_pystac(self) -> pystac.Item:
        """Return the pystac item; raises NotValidSTAC if pystac refuses the document."""
        item: pystac.Item = pystac_view("Item", self.raw)
        return item


class MLModel(Item):
    """A trained model as received (STAC ml-model extension)."""

    @property
    def architecture(self) -> str:
        """The architecture, for example `cnn`."""
        return self.line("ml-model:architecture")

    @property
    def prediction_type(self) -> str:
        """What it predicts, for example `segmentation`."""
        return self.line("ml-model:prediction_type")


_SHAPES: dict[str, tuple[type[dict[str, Any]] | type[list[Any]], str]] = {
    **dict.fromkeys(("properties", "assets", "extent", "summaries"), (dict, "an object")),
    **dict.fromkeys(("links", "providers", "keywords", "stac_extensions"), (list, "a list")),
}
_OF_OBJECTS = frozenset({"assets", "links", "providers"})


def pystac_view(kind: str, raw: dict[str, Any]) -> Any:
    """Return the pystac object of a document, migrated to the current STAC version.

    The `kind` is `Catalog`, `Collection` or `Item`. Raises NotValidSTAC if pystac refuses it.
    """
    import pystac  # it takes a while to import

    # pystac edits what it is given, and hostile metadata raises anything from KeyError to RecursionError.
    try:
        return getattr(pystac, kind).from_dict(copy.deepcopy(raw), migrate=True, preserve_dict=False)
    except Exception as error:
        raise NotValidSTAC(f"not valid STAC: {_reason(error, raw)}") from error


def _reason(error: Exception, raw: dict[str, Any]) -> str:
    """Return why pystac refuses a document, in words of STAC where it only says what it stumbled over."""
    if isinstance(error, KeyError):
        return f"missing field {one_line(error, 200)}"
    if "stac_version" not in raw:
        return "missing field 'stac_version'"
    for name, (kind, noun) in _SHAPES.items():
        value = raw.get(name, kind())
        if not isinstance(value, kind):
            return f"{name} should be {noun}"
        entries = value.values() if isinstance(value, dict) else value
        if name in _OF_OBJECTS and not all(isinstance(entry, dict) for entry in entries):
            return f"the entries of {name} should be objects"
    if isinstance(error, IndexError):
        return "a list has fewer entries than it should have"
    if isinstance(error, AttributeError | TypeError):
        return "a field is of another type than it should be"
    return one_line(error, 200) or type(error).__name__
