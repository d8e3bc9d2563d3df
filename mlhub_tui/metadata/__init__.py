"""What the metadata of a document means, spelt out: licences, extensions, bands, labels, how to cite it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import submodules

if TYPE_CHECKING:
    from . import blocks as blocks
    from . import citation as citation
    from . import detail as detail
    from . import places as places
else:
    __getattr__ = submodules(__name__)
