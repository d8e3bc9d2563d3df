"""The sample catalog on demand: started when a job or a screen first needs it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ..auth import Credentials

if TYPE_CHECKING:
    from .server import SampleServer

SAMPLE_NAME = "sample catalog"


class SampleOnDemand:
    """Starts the sample catalog when it is first needed, once, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: SampleServer | None = None

    def credentials(self) -> Credentials:
        """Return the credentials of the running sample catalog; blocks while it starts (about 0.3 s)."""
        from .server import SampleServer  # with starlette and uvicorn, when the sample is used

        with self._lock:
            if self._server is None:
                server = SampleServer()
                server.start()
                self._server = server
            return Credentials(
                api_key=self._server.key,
                root_url=self._server.root_url,
                profile=None,
                key_origin=SAMPLE_NAME,
                root_origin=SAMPLE_NAME,
            )

    def stop(self) -> None:
        """Stop it if it runs."""
        with self._lock:
            if self._server is not None:
                self._server.stop()
                self._server = None
