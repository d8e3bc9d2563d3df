"""The guarded pystac view of a document: what pystac refuses is still a document, with the reason."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import MLHubException
from ..text import one_line

if TYPE_CHECKING:
    import pystac

T = TypeVar("T")


class NotValidSTAC(MLHubException):
    """Pystac refuses the document; the message says why."""

    default_hint = "the document is shown as it was received"


def collection_view(raw: dict[str, Any]) -> pystac.Collection:
    """Return the pystac collection of a document, migrated to the current STAC version.

    Raises NotValidSTAC if pystac refuses it.
    """
    import pystac

    return _guarded(lambda d: pystac.Collection.from_dict(d, migrate=True, preserve_dict=False), raw)


def item_view(raw: dict[str, Any]) -> pystac.Item:
    """Return the pystac item of a document, migrated to the current STAC version.

    Raises NotValidSTAC if pystac refuses it.
    """
    import pystac

    return _guarded(lambda d: pystac.Item.from_dict(d, migrate=True, preserve_dict=False), raw)


def catalog_view(raw: dict[str, Any]) -> pystac.Catalog:
    """Return the pystac catalog of a document, migrated to the current STAC version.

    Raises NotValidSTAC if pystac refuses it.
    """
    import pystac

    return _guarded(lambda d: pystac.Catalog.from_dict(d, migrate=True, preserve_dict=False), raw)


def _guarded(load: Callable[[dict[str, Any]], T], raw: dict[str, Any]) -> T:
    # pystac edits what it is given, and hostile metadata raises anything from KeyError to RecursionError.
    try:
        return load(copy.deepcopy(raw))
    except Exception as error:
        reason = one_line(error, 200) or type(error).__name__
        if isinstance(error, KeyError):
            reason = f"missing field {reason}"
        raise NotValidSTAC(f"not valid STAC: {reason}") from error
