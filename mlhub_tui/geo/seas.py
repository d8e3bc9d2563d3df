"""The name of the sea at a place, roughly: for boxes that hold no land to speak of."""

from __future__ import annotations

_SEAS = (
    ("Black Sea", 27, 41, 42, 47),
    ("Caspian Sea", 46.5, 36.5, 55, 47.5),
    ("Baltic Sea", 13, 53.5, 30, 66),
    ("North Sea", -3, 51, 9, 60),
    ("Mediterranean Sea", -5.5, 30, 36.5, 45.8),
    ("Red Sea", 32, 12.5, 43.5, 30),
    ("Persian Gulf", 47.5, 23.8, 56.5, 30.5),
    ("Arabian Sea", 51, 8, 77, 25.5),
    ("Bay of Bengal", 77, 5, 95, 22.5),
    ("Gulf of Guinea", -8, -2, 10, 6.5),
    ("Gulf of Mexico", -98, 21, -81, 30.5),
    ("Caribbean Sea", -88, 9, -60, 21),
    ("Hudson Bay", -95, 51, -76, 65),
    ("South China Sea", 105, 0, 121, 23),
    ("East China Sea", 119, 23, 131, 33),
    ("Sea of Japan", 128, 33, 142, 52),
    ("Coral Sea", 145, -26, 165, -9),
    ("Tasman Sea", 148, -46, 171, -30),
)
"""Name, west, south, east, north in degrees; the first that holds a place names it."""


def sea(longitude: float, latitude: float) -> str:
    """Return the sea or the ocean at a place in degrees; longitudes may go on beyond 180."""
    longitude = (longitude + 180) % 360 - 180
    for name, west, south, east, north in _SEAS:
        if west <= longitude <= east and south <= latitude <= north:
            return name
    if latitude >= 66:
        return "Arctic Ocean"
    if latitude <= -60:
        return "Southern Ocean"
    half = "North" if latitude >= 0 else "South"
    if 20 < longitude < _pacific_from(latitude) and latitude < 31:
        return "Indian Ocean"
    if _americas(latitude) <= longitude <= 20:
        return f"{half} Atlantic"
    return f"{half} Pacific"


def _pacific_from(latitude: float) -> float:
    """Return the longitude at which the Indian Ocean ends: Malaya, Indonesia, Australia."""
    return 100.0 if latitude > 0 else 116.0 if latitude > -10 else 147.0


def _americas(latitude: float) -> float:
    """Return the longitude of the Americas, which part the Atlantic from the Pacific."""
    return -98.0 if latitude > 17 else -84.0 if latitude > 8 else -75.0 if latitude > -5 else -70.0
