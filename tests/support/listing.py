"""All items of a collection, page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from mlhub_tui.models import Item
from mlhub_tui.sources.base import Listing, Source


def items_of(
    source: Source, collection_id: str, *, limit: int | None = None, page_size: int | None = None
) -> AsyncGenerator[Item, None]:
    """Yield up to `limit` items of a collection, a page in memory at a time."""
    return Listing(lambda link: source.items_page(collection_id, link=link, page_size=page_size)).entries(
        limit
    )
