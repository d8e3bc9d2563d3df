"""How what is under the cursor is cited, for the clipboard: as a line, or as an entry of BibTeX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..models import Collection, Dataset, Document

if TYPE_CHECKING:
    from .app import MLHubApp


def copy_citation(context: MLHubApp, document: Document | None, dataset: Dataset | None) -> None:
    """Copy the citation of a document; a collection without one is cited as its dataset."""
    cited = _cited(document, dataset)
    if cited is None:
        context.notify("There is nothing here to be cited.", markup=False)
        return
    from ..metadata.bibtex import text_citation

    made = "" if cited.citation else " (made of its metadata)"
    context.copy_text(text_citation(cited), f"Citation{made}")


def copy_bibtex(context: MLHubApp, document: Document | None, dataset: Dataset | None) -> None:
    """Copy the entry of a document for BibTeX."""
    cited = _cited(document, dataset)
    if cited is None:
        context.notify("There is nothing here to be cited.", markup=False)
        return
    from ..metadata.bibtex import bibtex

    context.copy_text(bibtex(cited), "BibTeX")


def _cited(document: Document | None, dataset: Dataset | None) -> Document | None:
    """Return what is cited: the document, or the dataset that a collection without a citation is of."""
    lacks = document is None or (isinstance(document, Collection) and not (document.citation or document.doi))
    return dataset if lacks and dataset is not None else document
