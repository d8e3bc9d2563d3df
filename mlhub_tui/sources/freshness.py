"""Freshness: for how long a stored answer may be used without asking again (RFC 9111, section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST = 7 * 86400.0
"""Seconds; whatever the server says, after this it is asked again."""
_HEURISTIC_PART = 0.1  # of the time since the last change: what RFC 9111, section 4.2.2, proposes
_HEURISTIC_LONGEST = 3600.0


def fresh_for(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that an answer stays fresh for a private cache, None if it must not be stored.

    Parameters
    ----------
    headers
        Those of the answer, by lower-case names or case-insensitive.
    now
        Seconds since the epoch.
    """
    control = _directives(headers.get("cache-control", ""))
    if "no-store" in control:
        return None
    if "no-cache" in control or headers.get("vary", "").strip() == "*":
        return 0.0
    lifetime = _lifetime(control, headers, now)
    return min(max(lifetime - _seconds(headers.get("age", "")), 0.0), LONGEST)


def _lifetime(control: Mapping[str, str], headers: Mapping[str, str], now: float) -> float:
    if "max-age" in control:
        return _seconds(control["max-age"])
    sent = _moment(headers.get("date")) or now
    if "expires" in headers:
        expires = _moment(headers.get("expires"))  # one that is no date means "expired already"
        return max(expires - sent, 0.0) if expires is not None else 0.0
    changed = _moment(headers.get("last-modified"))
    return min(max(sent - changed, 0.0) * _HEURISTIC_PART, _HEURISTIC_LONGEST) if changed is not None else 0.0


def _directives(value: str) -> dict[str, str]:
    """Return the directives of `Cache-Control`; quotes around a value are dropped."""
    pairs = (part.partition("=") for part in value.split(","))
    return {name.strip().lower(): argument.strip().strip('"') for name, _, argument in pairs if name.strip()}


def _seconds(value: str) -> float:
    text = value.strip()
    return float(text[:12]) if text.isascii() and text.isdigit() else 0.0


def _moment(value: str | None) -> float | None:
    """Return an HTTP date as seconds since the epoch, None where it is none."""
    try:
        return parsedate_to_datetime(value).timestamp() if value else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
