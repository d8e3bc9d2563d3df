"""Widgets shared by screens and dialogs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import submodules

if TYPE_CHECKING:
    from . import form_rows as form_rows
    from . import line_view as line_view
else:
    __getattr__ = submodules(__name__)
