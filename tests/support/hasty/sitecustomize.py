"""Makes chance kind: waits between two tries are random, and now a twentieth of what they may be, or less.

How long they may be is tested with chances given. The tests' own process imports this; a program that a test
starts does where the variables of `IN_HASTE` are in its environment.
"""

from __future__ import annotations

import importlib
import random
from pathlib import Path

IN_HASTE = {"PYTHONPATH": str(Path(__file__).parent)}

_chance = random.random
random.random = lambda: _chance() / 20
importlib.import_module("mlhub_tui.http.errors")
random.random = _chance
