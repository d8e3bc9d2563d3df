"""The parameters of a session: a mapping that never shows the key it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..text import mask


class SecretParams(dict[str, Any]):
    """Query parameters sent to the API's own origin; the key is masked when printed.

    Parameters
    ----------
    values
        The parameters.
    key_name
        The name of the one that is the key; empty where the key is sent in another way.
    """

    def __init__(self, values: Mapping[str, Any] | None = None, key_name: str = "key") -> None:
        super().__init__(values or {})
        self.key_name = key_name

    def __repr__(self) -> str:
        return repr({name: mask(str(v)) if name == self.key_name else v for name, v in self.items()})

    __str__ = __repr__

    def copy(self) -> SecretParams:
        """Return a copy that keeps the secret too."""
        return SecretParams(self, self.key_name)

    @property
    def secret(self) -> str | None:
        """The key, None without one."""
        value = self.get(self.key_name)
        return str(value) if value else None
