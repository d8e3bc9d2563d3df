"""The summary of a selection as JSON: what a dry run prints for programs."""

from __future__ import annotations

from ..models import JsonDict
from .counts import Amount, Counts


def summary(counts: Counts) -> JsonDict:
    """Return what a selection comes to.

    `files` are distinct save paths; `bytes` is null where the catalog does not state all sizes, and
    `bytes_known` what it states. `collections` has the same by collection, with its matching items and its
    asset keys; `asset_keys` by asset key over all collections.
    """
    collections = {
        name: {
            **_amount(amount),
            "items": counts.items[name].all,
            "asset_keys": {key: _amount(part) for (of, key), part in counts.keys.items() if of == name},
        }
        for name, amount in counts.collections.items()
    }
    keys: dict[str, Amount] = {}
    for (_, key), amount in counts.keys.items():
        keys[key] = keys.get(key, Amount()) + amount
    return {
        **_amount(counts.all),
        "collections": collections,
        "asset_keys": {key: _amount(amount) for key, amount in keys.items()},
        "items_without_time": sum(items.timeless for items in counts.items.values()),
        "items_without_place": sum(items.placeless for items in counts.items.values()),
        "assets_without_href": counts.faults,
        "assets_requester_pays": counts.paid,
    }


def _amount(amount: Amount) -> JsonDict:
    return {"files": amount.files, "bytes": amount.bytes, "bytes_known": amount.known}
