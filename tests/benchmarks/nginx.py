"""Debian's nginx as a store on loopback: plain, over TLS, and with a limit for each connection."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme

_CONFIG = """
worker_processes 2; daemon off; master_process on; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; default_type application/gzip;
  client_body_temp_path {home}/t1; proxy_temp_path {home}/t2; fastcgi_temp_path {home}/t3;
  uwsgi_temp_path {home}/t4; scgi_temp_path {home}/t5;
  server {{ listen 127.0.0.1:{plain}; {locations} }}
  server {{ listen 127.0.0.1:{limited}; limit_rate {rate}; {locations} }}
  server {{
    listen 127.0.0.1:{tls} ssl; ssl_certificate {home}/server.pem; ssl_certificate_key {home}/server.key;
    {locations}
  }}
}}
"""
_LOCATIONS = """
    location ~ ^/mlhub/v1/archive/([^/]+)/info$ {{ default_type application/json; alias {files}/$1.info; }}
    location /mlhub/v1/archive/ {{ alias {files}/; }} location / {{ root {files}; }}
"""


class Nginx:
    """Serves a folder on three ports, also as archives of an API at `/mlhub/v1/`; `NAME.info` is told of one.

    Parameters
    ----------
    home
        An empty folder for its own files.
    files
        What it serves.
    rate
        Bytes per second of each connection of the limited port.
    """

    def __init__(self, home: Path, files: Path, rate: int) -> None:
        self.plain, self.tls, self.limited = (_port() for _ in range(3))
        authority = trustme.CA()
        authority.cert_pem.write_to_path(home / "ca.pem")
        self.authority = home / "ca.pem"
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        certificate.private_key_pem.write_to_path(home / "server.key")
        for index, blob in enumerate(certificate.cert_chain_pems):
            blob.write_to_path(home / "server.pem", append=index > 0)
        config = _CONFIG.format(
            home=home,
            plain=self.plain,
            tls=self.tls,
            limited=self.limited,
            rate=rate,
            locations=_LOCATIONS.format(files=files),
        )
        (home / "nginx.conf").write_text(f"user root;\n{config}")
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self._command = [program, "-p", str(home), "-c", str(home / "nginx.conf")]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 5
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.plain), 1).close()
                return self
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.02)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()


def _port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
