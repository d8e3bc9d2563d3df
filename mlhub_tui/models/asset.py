"""Assets: the files an item or a collection links."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..text import one_line
from .document import JsonDict, _size, _strings


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
        """Return the assets of an `assets` object; entries that are no objects are left out."""
        if not isinstance(value, dict):
            return ()
        return tuple(cls._parse(str(key), entry) for key, entry in value.items() if isinstance(entry, dict))

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
