"""S3 server of the tests as a process: `python s3_program.py PORT [FILE]`, moto without its other services.

While FILE is there, all requests are answered with 503 SlowDown.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

_SLOW = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


class Handler(MotoRequestHandler):
    """Keeps connections open, and says nothing."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: Any) -> None:
        pass


def main(port: int, file: str = "") -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = create_backend_app("s3")

    def answer(environ: Any, start: Callable[..., Any]) -> Iterable[bytes]:
        if not file or not Path(file).exists():
            found: Iterable[bytes] = app(environ, start)
            return found
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start("503 Slow Down", [("Content-Length", str(len(_SLOW))), ("Content-Type", "application/xml")])
        return [_SLOW]

    run_simple("127.0.0.1", port, answer, threaded=True, request_handler=Handler)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
