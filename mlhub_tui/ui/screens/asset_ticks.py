"""What is ticked in the choice of assets: roles, and keys beside them."""

from __future__ import annotations

from ...planning.asset_tally import AssetTally

_DATA = ("data", "labels")
"""The roles of what a dataset is about; ticked at first, where there are such."""


class Selection:
    """Roles and keys that are ticked; a role covers its keys, also those of documents that come later.

    Parameters
    ----------
    tally
        What there is.
    """

    def __init__(self, tally: AssetTally) -> None:
        self._tally = tally
        self.keys: set[str] = set()
        self.roles: set[str] = set()

    def box(self, key: str) -> str:
        """Return the box of a key: ticked, not, or in part by a role that not all of its assets have."""
        if key in self.keys:
            return "[x]"
        having, all_of = self._tally.share(key, self.roles)
        return "[ ]" if not having else "[x]" if having == all_of else "[-]"

    def toggle_role(self, role: str) -> None:
        """Tick a role, or untick it."""
        self.roles ^= {role}

    def toggle_key(self, key: str) -> None:
        """Tick a key, or untick it; then the roles that cover it are written out as their other keys."""
        if self.box(key) != "[x]":
            self.keys.add(key)
            return
        self.keys.discard(key)
        covering = {role for role in self.roles if self._tally.share(key, {role})[0]}
        if covering:
            covered = {c.key for c in self._tally.by_key() if self._tally.share(c.key, covering)[0]}
            self.roles -= covering
            self.keys |= covered - {key}

    def toggle_all(self) -> None:
        """Tick every key, or nothing where every key is ticked."""
        keys = [choice.key for choice in self._tally.by_key()]
        whole = all(self.box(key) == "[x]" for key in keys)
        self.roles.clear()
        self.keys = set() if whole else set(keys)

    def tick_data(self) -> None:
        """Tick what the documents are about: the role of data or labels, else all that can be fetched."""
        roles = {choice.key for choice in self._tally.by_role() if choice.barred < choice.count}
        self.roles = roles.intersection(_DATA)
        found = self._tally.by_key() if not self.roles else ()
        self.keys = {choice.key for choice in found if choice.barred < choice.count}
