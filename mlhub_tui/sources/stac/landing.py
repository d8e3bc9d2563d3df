"""The landing page of a STAC API: what it conforms to, where its parts are, what its search takes."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field

from ...errors import UnexpectedAnswer
from ...http.pagination import Bare, absolute
from ...http.urls import is_absolute, join, origin_of, without_key
from ...models import Catalog, JsonDict
from ...models.document import identity, links_of

SORTABLES = ("http://www.opengis.net/def/rel/ogc/1.0/sortables", "sortables")
QUERYABLES = ("http://www.opengis.net/def/rel/ogc/1.0/queryables", "queryables")
CORE_SEARCH = frozenset({"collections", "ids", "bbox", "intersects", "datetime", "limit"})
"""What every item search takes (STAC API, Item Search)."""
_ITEM_SEARCH = r"api\.stacspec\.org/[^/]+/item-search"
_SORT = rf"{_ITEM_SEARCH}/?#sort"
_FILTER = rf"{_ITEM_SEARCH}/?#filter|ogcapi-features-3/1\.0/(conf|req)/(features-)?filter"
_QUERY = rf"{_ITEM_SEARCH}/?#query"
_CQL2_TEXT = r"/cql2(-text)?/1\.0/(conf|req)/cql2-text"
_CQL2_JSON = r"/cql2(-json)?/1\.0/(conf|req)/cql2-json"
_FREE_TEXT = rf"{_ITEM_SEARCH}/?#(advanced-)?free-text"
_ADVANCED_TEXT = rf"{_ITEM_SEARCH}/?#advanced-free-text"
_COLLECTIONS = r"api\.stacspec\.org/[^/]+/(collections|ogcapi-features)|ogcapi-features-1/1\.0/conf/core"
_FEATURES = r"ogcapi-features-1/1\.0/conf/core|api\.stacspec\.org/[^/]+/ogcapi-features"


@dataclass(frozen=True, slots=True)
class Landing:
    """What a landing page says; where it says nothing, the places that the STAC API names.

    - `raw`: The document as received; empty where there is none.
    - `url`: Where it came from.
    - `root_url`: The root of the API, with a slash at its end.
    - `conforms`: The conformance classes, of the page itself or of its `conformance` link.
    - `trouble`: Why the page could not be read; empty where it could.
    - `search_at`: Where items are searched: `named` is where the links say, `usual` where the STAC API has
      it; empty for the first of both at this host, as a link to another is often a server's inner name.
    """

    raw: JsonDict = field(repr=False)
    url: str
    root_url: str
    conforms: tuple[str, ...] = ()
    trouble: str = ""
    search_at: str = ""

    @property
    def document(self) -> Catalog | None:
        """The page as a document; None where it is none."""
        return Catalog(self.raw, url=self.url) if identity(self.raw.get("id")) else None

    def declares(self, pattern: str) -> bool:
        """Whether a conformance class matches a pattern; versions of the classes differ in the field."""
        return any(re.search(pattern, name) for name in self.conforms)

    def href(self, *relations: str, method: str = "GET") -> str | None:
        """Return where the first JSON link of a relation leads; None where there is none."""
        for link in links_of(self.raw, *relations):
            if str(link.get("method") or "GET").upper() == method:
                with suppress(UnexpectedAnswer):
                    return below_root(link["href"], self.url, self.root_url)
        return None

    @property
    def collections_url(self) -> str:
        """Where the collections are listed."""
        return self.href("data") or join(self.root_url, "collections")

    def search_url(self, method: str) -> str | None:
        """Return where items are searched with a method; None where that is not offered.

        GET is what every item search takes; a page that says nothing may have one.
        """
        href = self.href("search", method=method)
        if href is None and method == "GET" and self.may_search:
            href = self.href("search", method="POST") or join(self.root_url, "search")
        is_elsewhere = href is not None and origin_of(href) != origin_of(self.root_url)
        if href is not None and (self.search_at == "usual" or (not self.search_at and is_elsewhere)):
            return join(self.root_url, "search")
        return href

    @property
    def may_search(self) -> bool:
        """Whether there is, or may be, an item search."""
        return not self.conforms or self.says_search

    @property
    def says_search(self) -> bool:
        """Whether the page says that there is an item search, by a link or by a conformance class."""
        named = self.href("search") or self.href("search", method="POST")
        return bool(named) or self.declares(_ITEM_SEARCH)

    @property
    def has_collections(self) -> bool:
        """Whether there are documents of collections, as far as the page says."""
        return not self.conforms or self.declares(_COLLECTIONS) or self.href("data") is not None

    @property
    def has_items(self) -> bool:
        """Whether collections list their items, as far as the page says."""
        return not self.conforms or self.declares(_FEATURES)

    @property
    def search_fields(self) -> frozenset[str]:
        """Names of the fields of `Search` that the item search takes; none without an item search."""
        if not self.may_search:
            return frozenset()
        more = {
            "sort": self.declares(_SORT),
            "filter": self.takes_cql2 or self.takes_query or self.takes_cql2_json,
            "text": self.declares(_FREE_TEXT),
        }
        return CORE_SEARCH | {name for name, offered in more.items() if offered}

    @property
    def takes_cql2(self) -> bool:
        """Whether the item search takes a `filter` in CQL2 text (STAC API, Filter)."""
        return self.declares(_FILTER) and self.declares(_CQL2_TEXT)

    @property
    def takes_cql2_json(self) -> bool:
        """Whether the item search takes a `filter` in CQL2 JSON."""
        return self.declares(_FILTER) and self.declares(_CQL2_JSON)

    @property
    def takes_query(self) -> bool:
        """Whether the item search takes a `query` (STAC API, Query), as that of Earth Search does."""
        return self.declares(_QUERY)

    @property
    def advanced_text(self) -> bool:
        """Whether the free text is an expression with `AND` (STAC API, Free-Text, "Advanced")."""
        return self.declares(_ADVANCED_TEXT)


def below_root(href: str, page_url: str, root_url: str, bare: Bare = without_key) -> str:
    """Return the absolute URL of a link; one that leads out of a root without a slash is taken from below it.

    Seen from `/stac` a link `collections` is `/collections` (RFC 3986, section 5.2.3), which servers that
    write it do not mean.

    Raises UnexpectedAnswer if it is none that can be asked for.
    """
    strict = absolute(href, page_url, bare)
    relative = not is_absolute(href.strip()) and not href.strip().startswith("/")
    if f"{page_url}/" != root_url or not relative or strict.startswith(root_url):
        return strict
    return absolute(href, root_url, bare)
