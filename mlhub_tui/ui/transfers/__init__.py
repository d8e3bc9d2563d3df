"""Transfers as the app shows them: lists, order, speeds, notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import submodules

if TYPE_CHECKING:
    from . import notifications as notifications
else:
    __getattr__ = submodules(__name__)
