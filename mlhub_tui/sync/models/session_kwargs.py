"""What objects remember of the session they were fetched with, and how they are made of JSON."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Self, TypeVar

from ...models import JsonDict
from ...models.document import identity
from ...text import one_line

S = TypeVar("S", bound="SessionKwargs")


class SessionKwargs:
    """Holds the key or profile that an object was fetched with; neither is shown by its repr."""

    session_kwargs: dict[str, str | None]

    def remember(self, api_key: str | None, profile: str | None) -> Self:
        """Remember the key or profile for later requests, and return the object."""
        given = {"api_key": api_key, "profile": profile}
        self.session_kwargs = _Hidden({name: value for name, value in given.items() if value})
        return self

    @property
    def remembered(self) -> tuple[str | None, str | None]:
        """The key and profile that later requests use."""
        return self.session_kwargs.get("api_key"), self.session_kwargs.get("profile")


class _Hidden(dict[str, str | None]):
    def __repr__(self) -> str:
        return repr({name: "****" if name == "api_key" else value for name, value in self.items()})


def parsed(kind: type[S], records: Iterable[JsonDict], api_key: str | None, profile: str | None) -> list[S]:
    """Return the records of a listing as objects; of one that pystac refuses there is a warning."""
    made: list[S] = []
    for record in records:
        try:
            made.append(kind.from_dict(record).remember(api_key, profile))  # type: ignore[attr-defined]
        except Exception as error:  # hostile metadata raises anything from KeyError to RecursionError
            name = one_line(identity(record.get("id")), 80)
            warnings.warn(f"{name} is left out: not valid STAC: {one_line(error, 200)}", stacklevel=4)
    return made
