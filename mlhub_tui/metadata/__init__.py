"""What the metadata of a document means, spelt out: licences, extensions, bands, labels, how to cite it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import submodules

if TYPE_CHECKING:
    from . import citation as citation
    from . import detail as detail
else:
    __getattr__ = submodules(__name__)
