"""An input file for aria2: the URLs of assets, named on disk as the queue names them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..models import Item
from ..sources.export import Exporter, URLs
from .assets import multihash
from .layout import file_names, folder_name

_ALGORITHMS = frozenset({"md5", "sha-1", "sha-224", "sha-256", "sha-384", "sha-512"})


@dataclass
class Aria2(Exporter):
    """What `aria2c --input-file` takes: a URL on a line, its options below (aria2 manual, "Input File").

    Files lie in `collection/item/key.ext` below the folder that aria2 is given, so that the queue finds them
    there. Local files are left out: aria2 copies nothing. `urls` finds the assets that can be requested.
    """

    urls: URLs = field(default_factory=URLs)
    _local: int = 0

    def add(self, item: Item) -> str:
        """Return the entries of an item's assets."""
        names, entries = file_names(item.assets), []
        folder = "/".join(filter(None, map(folder_name, (item.collection_id, item.id))))
        for asset, url in self.urls.found(item):
            if url.lower().startswith("file:"):
                self._local += 1
                continue
            digest = multihash(asset.raw.get("file:checksum"))
            known = digest is not None and digest.algorithm in _ALGORITHMS
            checksum = f"  checksum={digest.algorithm}={digest.value}\n" if digest and known else ""
            entries.append(f"{url}\n  out={folder}/{names[asset.key]}\n{checksum}")
        return "".join(entries)

    def notes(self) -> list[str]:
        """Return what is not in the file."""
        local = [f"files of this machine, left out: {self._local:,}"] if self._local else []
        return [*self.urls.notes(), *local]
