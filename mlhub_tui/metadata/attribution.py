"""Attribution: whose licence, citation, DOI and providers count for a document, its own or inherited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..models import Collection, Dataset, Document, Item, MLModel, Provider
from ..text import link_names
from .licences import Licence, licences


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

    Parameters
    ----------
    document
        The document.
    above
        Those that it belongs to, the nearest first: an item's collection, and the dataset of that.
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
