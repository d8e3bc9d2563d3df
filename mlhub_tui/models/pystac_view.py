"""The guarded pystac view of a document: what pystac refuses is still a document, with the reason."""

from __future__ import annotations

import copy
from typing import Any

import pystac

from ..errors import NotValidSTAC
from ..text import one_line

_SHAPES: dict[str, tuple[type[dict[str, Any]] | type[list[Any]], str]] = {
    **dict.fromkeys(("properties", "assets", "extent", "summaries"), (dict, "an object")),
    **dict.fromkeys(("links", "providers", "keywords", "stac_extensions"), (list, "a list")),
}
_OF_OBJECTS = frozenset({"assets", "links", "providers"})


def pystac_view(kind: str, raw: dict[str, Any]) -> Any:
    """Return the pystac object of a document, migrated to the current STAC version.

    The `kind` is `Catalog`, `Collection` or `Item`. Raises NotValidSTAC if pystac refuses it.
    """
    # pystac edits what it is given, and hostile metadata raises anything from KeyError to RecursionError.
    try:
        return getattr(pystac, kind).from_dict(copy.deepcopy(raw), migrate=True, preserve_dict=False)
    except Exception as error:
        raise NotValidSTAC(f"not valid STAC: {_reason(error, raw)}") from error


def _reason(error: Exception, raw: dict[str, Any]) -> str:
    """Return why pystac refuses a document, in words of STAC where it only says what it stumbled over."""
    if isinstance(error, KeyError):
        return f"missing field {one_line(error, 200)}"
    if "stac_version" not in raw:
        return "missing field 'stac_version'"
    for name, (kind, noun) in _SHAPES.items():
        value = raw.get(name, kind())
        if not isinstance(value, kind):
            return f"{name} should be {noun}"
        entries = value.values() if isinstance(value, dict) else value
        if name in _OF_OBJECTS and not all(isinstance(entry, dict) for entry in entries):
            return f"the entries of {name} should be objects"
    if isinstance(error, AttributeError | TypeError):
        return "a field is of another type than it should be"
    return one_line(error, 200) or type(error).__name__
