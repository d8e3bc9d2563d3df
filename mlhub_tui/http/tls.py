"""TLS settings: the certificates of the environment, of the system, or of certifi."""

from __future__ import annotations

import os
import ssl
import sys
from pathlib import Path

from ..text import one_line
from .errors import TLSFailure

# Where Linux distributions keep their bundle, where OpenSSL's own default is another.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def trusted_context() -> ssl.SSLContext:
    """Return TLS settings that trust the system's certificates; takes about 30 ms, so call it in a thread.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` override the system's, as for OpenSSL. These are read by truststore
    where it is installed, and by OpenSSL else; certifi's, where it is installed, serve a system without any.

    Raises
    ------
    TLSFailure
        If a variable names what is not there, or is no certificate.
    """
    context = _from_environment() or _from_system()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _from_environment() -> ssl.SSLContext | None:
    file, folders = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folders:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if file:
        _load(context, "SSL_CERT_FILE", file, Path(file).is_file(), cafile=file)
    for folder in filter(None, (folders or "").split(os.pathsep)):
        _load(context, "SSL_CERT_DIR", folder, Path(folder).is_dir(), capath=folder)
    return context


def _load(context: ssl.SSLContext, variable: str, path: str, exists: bool, **location: str) -> None:
    try:
        if not exists:
            raise FileNotFoundError("no such file or directory")
        context.load_verify_locations(**location)
    except OSError as error:  # ssl.SSLError is one
        why = one_line(getattr(error, "reason", None) or error, 120).replace("_", " ").lower()
        words = f"the certificates cannot be loaded: {variable} is {one_line(path, 120)}: {why}"
        raise TLSFailure(words, hint=f"correct or unset {variable}") from None


def _from_system() -> ssl.SSLContext:
    if sys.platform not in ("win32", "darwin") and not _system_has_certificates():
        try:
            import certifi

            return ssl.create_default_context(cafile=certifi.where())
        except ImportError:
            pass
    try:
        import truststore
    except ImportError:
        return ssl.create_default_context()
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _system_has_certificates() -> bool:
    paths = ssl.get_default_verify_paths()
    folder = Path(paths.capath) if paths.capath else None
    return (
        bool(paths.cafile)
        or (folder is not None and any(folder.iterdir()))
        or any(map(os.path.isfile, _BUNDLES))
    )
