"""Does a source answer, and does it take the key? The one question behind "test"."""

from __future__ import annotations

from .base import Source
from .mlhub import MLHubSource


async def check(source: Source) -> None:
    """Return if a source answers as one of its kind, and takes the key where there is one.

    An MLHub API takes any key for its listings, so something that needs one is asked for.

    Raises
    ------
    RequestError
        If it refuses the key, or does not answer as it should.
    """
    if isinstance(source, MLHubSource):
        await (source.check_key() if source.session.secret else source.collections())
        return
    await source.about()
    await source.entries(page_size=1)
