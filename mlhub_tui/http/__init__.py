"""HTTP/1.1 client of all transfers; proxies, TLS, credentials and retries are shared with listings."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..lazy import submodules

# The command line that comes with httpx loads Rich and Pygments, half of its import; None means "not there".
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # documented, not in typeshed

if TYPE_CHECKING:
    from . import cache as cache
    from . import client as client
    from . import errors as errors
    from . import exchange as exchange
    from . import representation as representation
    from . import session as session
    from . import urls as urls
else:
    __getattr__ = submodules(__name__)
