"""The guarded pystac view of a document: what pystac refuses is still a document, with the reason."""

from __future__ import annotations

import copy
from typing import Any

import pystac

from ..errors import NotValidSTAC
from ..text import one_line


def pystac_view(kind: str, raw: dict[str, Any]) -> Any:
    """Return the pystac object of a document, migrated to the current STAC version.

    The `kind` is `Catalog`, `Collection` or `Item`. Raises NotValidSTAC if pystac refuses it.
    """
    # pystac edits what it is given, and hostile metadata raises anything from KeyError to RecursionError.
    try:
        return getattr(pystac, kind).from_dict(copy.deepcopy(raw), migrate=True, preserve_dict=False)
    except Exception as error:
        reason = one_line(error, 200) or type(error).__name__
        if isinstance(error, KeyError):
            reason = f"missing field {reason}"
        raise NotValidSTAC(f"not valid STAC: {reason}") from error
