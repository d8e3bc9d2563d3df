"""Numbers that look random and are the same everywhere: integer hashes, no global generator."""

from __future__ import annotations

import hashlib

_MASK = (1 << 64) - 1


def seed_of(text: str) -> int:
    """Return a 64-bit seed for a name."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def mix(seed: int, *values: int) -> int:
    """Return 64 bits that depend on all arguments (the finaliser of SplitMix64, once per value)."""
    state = seed & _MASK
    for value in values:
        state = (state + 0x9E3779B97F4A7C15 + value) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


def part(seed: int, *values: int) -> float:
    """Return a fraction in [0, 1) with six digits, exact in every arithmetic."""
    return mix(seed, *values) % 1_000_000 / 1_000_000
