"""HTTP/1.1 client of all transfers; proxies, TLS, credentials and retries are shared with listings."""

import sys

# The command line that comes with httpx loads Rich and Pygments, half of its import; None means "not there".
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # documented, not in typeshed
