"""From `p` to a picture on the screen: choose an image among the assets, fetch it, decode it in a thread."""

from __future__ import annotations

import asyncio
import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MLHubException
from ..models import Asset, Document
from ..text import clean, one_line, size

if TYPE_CHECKING:
    from ..sources.base import Source
    from .app import MLHubApp
    from .screens.preview import Picture
    from .screens.progress import ProgressScreen

ASK_FROM = 5_000_000
"""Bytes from which on a question is asked first: the line may be slow."""
LARGEST = 100_000_000
"""Bytes of an image; a larger one is no preview."""
KEPT = 40
"""Images that stay in the cache."""
_WANTED = ("thumbnail", "overview", "visual")
_TYPES = ("image/png", "image/jpeg", "image/jpg", "image/webp", "image/gif")
_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif")


def is_picture(asset: Asset) -> bool:
    """Tell whether an asset is an image that can be drawn."""
    kind = asset.media_type.partition(";")[0].strip().lower()
    path = asset.href.partition("?")[0].lower()
    return bool(asset.href) and (kind in _TYPES or (not kind and path.endswith(_ENDINGS)))


def best_picture(assets: tuple[Asset, ...]) -> Asset | None:
    """Return the image that shows a document best: its thumbnail, an overview, else the first."""
    pictures = [asset for asset in assets if is_picture(asset)]
    for role in _WANTED:
        for asset in pictures:
            if role in asset.roles or asset.key.lower() == role:
                return asset
    return pictures[0] if pictures else None


async def preview(app: MLHubApp, document: Document, assets: tuple[Asset, ...], chosen: Asset | None) -> None:
    """Show an image of a document, fetched if it is not in the cache.

    Parameters
    ----------
    document
        The item or collection.
    assets
        Its assets.
    chosen
        The asset under the cursor, where there is one.
    """
    asset = chosen if chosen is not None and is_picture(chosen) else best_picture(assets)
    connection = app.connection
    if asset is None or connection is None:
        app.notify("There is no PNG or JPEG among the assets here.", markup=False)
        return
    if find_spec("PIL") is None:
        app.notify("Previews need Pillow: pip install 'mlhub-tui[images]'", severity="warning", markup=False)
        return
    if not await _agreed(app, asset):
        return
    from .screens.preview import PreviewScreen
    from .screens.progress import ProgressScreen

    async def task(screen: ProgressScreen[Picture]) -> Picture:
        return await _fetched(connection.source, document, asset, screen)

    picture = await app.push_screen_wait(ProgressScreen(f"Fetching {one_line(asset.key, 40)}", task))
    if picture is not None:
        await app.push_screen_wait(PreviewScreen(asset.label, picture))


async def _agreed(app: MLHubApp, asset: Asset) -> bool:
    """Tell whether the user wants an image of this size."""
    if asset.size is None or asset.size < ASK_FROM:
        return True
    from .screens.confirm import ConfirmScreen

    question = f"Fetch {size(asset.size)} for a preview?"
    answer: bool = await app.push_screen_wait(ConfirmScreen(question, clean(asset.label), yes="Fetch"))
    return answer


async def _fetched(
    source: Source, document: Document, asset: Asset, screen: ProgressScreen[Picture]
) -> Picture:
    from ..downloads.fetch import fetch_asset
    from .screens.preview import read_picture

    folder = await asyncio.to_thread(_folder, source.root_url)
    too_large = False

    def show(done: int, total: int | None) -> None:
        nonlocal too_large
        screen.say(f"{size(done)} of {size(total)}" if total else size(done))
        if max(done, total or 0) > LARGEST and not transfer.done():
            too_large = True
            transfer.cancel()

    transfer = asyncio.create_task(fetch_asset(source, document, asset.key, folder, on_progress=show))
    try:
        path = await transfer
    except asyncio.CancelledError:
        transfer.cancel()
        if not too_large:
            raise
        words = f"{asset.label} is larger than {size(LARGEST)}"
        raise MLHubException(words, hint="d downloads it") from None
    return await asyncio.to_thread(read_picture, path)


def _folder(root_url: str) -> Path:
    """Return where the previews of a source are kept; the oldest of all previews go."""
    from .. import paths

    kept = paths.cache() / "previews"
    files = [path for path in kept.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        path.unlink(missing_ok=True)
    folder = kept / hashlib.sha256(root_url.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
