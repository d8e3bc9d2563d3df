"""The connection that the command line chooses, and the settings; no source is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from .printing import META, given

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..config import Loaded

OPTIONS = ("source", "profile", "api_key", "root_url", "sample")


@dataclass(frozen=True, slots=True)
class Choice:
    """The connection options of the command line; nothing is resolved yet."""

    profile: str | None = None
    api_key: str | None = field(default=None, repr=False)
    root_url: str | None = None
    sample: bool = False
    source: str | None = None

    @classmethod
    def made(cls) -> Choice:
        """Return the options given so far, on the group or on its command.

        Raises
        ------
        click.UsageError
            If the sample catalog, or a source, is asked for together with another connection.
        """
        chosen = {name: value for name in OPTIONS if (value := given(name)) is not None}
        others = [f"--{name.replace('_', '-')}" for name in chosen if name != "sample"]
        if chosen.get("sample") and others:
            raise click.UsageError(f"--sample has its own root URL and key; leave out {', '.join(others)}")
        doubled = [option for option in others if option in ("--profile", "--root-url")]
        if "source" in chosen and doubled:
            raise click.UsageError(f"--source says which one; leave out {', '.join(doubled)}")
        return cls(**chosen)

    def credentials(self, *, key_needed: bool = False) -> Credentials:
        """Return the credentials of what was chosen, without the kind of a source that has to be looked at.

        Nothing is requested; of the sample catalog, use `source_access.credentials`.

        Raises
        ------
        APIKeyNotFound
            If a key is needed and there is none, or a profile or source is named that does not exist.
        """
        from ..auth import resolve, resolve_or_anonymous  # not for a help page, as what follows

        if self.source is None:
            find = resolve if key_needed else resolve_or_anonymous
            return find(api_key=self.api_key, profile=self.profile, root_url=self.root_url)
        from ..sources.source_names import choose

        return choose(self.source, api_key=self.api_key)


def settings() -> Loaded:
    """Return the settings, read once for a command line."""
    from ..config import load  # not for a help page

    meta: dict[str, Any] = click.get_current_context().meta
    if META + "settings" not in meta:
        meta[META + "settings"] = load()
    loaded: Loaded = meta[META + "settings"]
    return loaded
