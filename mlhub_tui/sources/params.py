"""The parameters of a session: a mapping that never shows the key it holds."""

from __future__ import annotations

from typing import Any

from ..text import mask


class SecretParams(dict[str, Any]):
    """Query parameters sent to the API's own origin; `key` is masked when printed."""

    def __repr__(self) -> str:
        return repr({name: mask(str(v)) if name == "key" else v for name, v in self.items()})

    __str__ = __repr__

    def copy(self) -> SecretParams:
        """Return a copy that keeps the secret too."""
        return SecretParams(self)

    @property
    def secret(self) -> str | None:
        """The key, None without one."""
        value = self.get("key")
        return str(value) if value else None
