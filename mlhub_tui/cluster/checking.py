"""Looks at the files of a dataset in a store once more."""

from __future__ import annotations

from collections.abc import Sequence

from .object_store import ObjectStore, trouble


class StoreListing:
    """A folder of a store; its objects are listed once, when they are first asked for.

    Parameters
    ----------
    url
        Of the folder.
    """

    def __init__(self, url: str) -> None:
        self._store = ObjectStore(url)
        self._listed: dict[str, int] | None = None

    def sizes(self, paths: Sequence[str]) -> list[int | None]:
        """Return the bytes of objects; None for those that are not there; blocks.

        Raises
        ------
        MLHubException
            If the store cannot be asked.
        """
        if self._listed is None:
            try:
                self._listed = self._store.listed()
            except Exception as error:
                raise trouble(error, self._store) from error
        return [self._listed.get(path) for path in paths]
