"""The S3 server of the tests as a process: `python s3_program.py PORT`, moto without its other services."""

from __future__ import annotations

import logging
import sys
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple


class Handler(MotoRequestHandler):
    """Keeps connections open, and says nothing."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: Any) -> None:
        pass


def main(port: int) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    run_simple("127.0.0.1", port, create_backend_app("s3"), threaded=True, request_handler=Handler)


if __name__ == "__main__":
    main(int(sys.argv[1]))
