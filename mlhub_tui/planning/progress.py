"""How far the making of an index is."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an index is: documents and assets seen, bytes read of the archive (of so many, if known)."""

    documents: int = 0
    items: int = 0
    assets: int = 0
    bytes_read: int = 0
    bytes_total: int | None = None
    sorting: bool = False

    def at(self, bytes_read: int, bytes_total: int | None, *, sorting: bool = False) -> Progress:
        """Return the same with what was read of the archive."""
        return replace(self, bytes_read=bytes_read, bytes_total=bytes_total, sorting=sorting)
