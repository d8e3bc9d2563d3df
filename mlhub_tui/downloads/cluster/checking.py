"""Looks at the files of a finished dataset in a store once more."""

from __future__ import annotations

from collections.abc import Sequence

from .store import Store, trouble

_AT_ONCE = 64


class StorePlace:
    """A folder of a store.

    Parameters
    ----------
    url
        Of the folder.
    """

    def __init__(self, url: str) -> None:
        self._store = Store(url)

    def sizes(self, paths: Sequence[str]) -> list[int | None]:
        """Return the bytes of objects; None for those that are not there; blocks.

        Raises
        ------
        MLHubException
            If the store cannot be asked.
        """
        found: list[int | None] = []
        for first in range(0, len(paths), _AT_ONCE):
            asked = [self._store.size(self._store.path(path)) for path in paths[first : first + _AT_ONCE]]
            try:
                found += [future.result() for future in asked]
            except Exception as error:
                raise trouble(error, self._store) from error
        return found
