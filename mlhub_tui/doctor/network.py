"""The way to the network: proxies, certificates, and whether the chosen source answers, and how fast."""

from __future__ import annotations

import os
import ssl
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .. import sources
from ..errors import MLHubException
from ..text import one_line, redact
from .finding import Finding, note, wrong

if TYPE_CHECKING:
    from ..auth import Credentials

_SLOW = 3.0
"""Seconds after which an answer is slow."""


def look(environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Yield the proxies and certificates in use; no server is contacted."""
    proxies = urllib.request.getproxies()
    for scheme, proxy in sorted(proxies.items()):
        if scheme == "no":
            yield Finding("no proxy for", proxy)
        else:
            yield Finding(f"{scheme} proxy", redact(proxy))
    if not any(scheme != "no" for scheme in proxies):
        yield Finding("proxy", "none")
    yield from _certificates(environ)


def _certificates(environ: Mapping[str, str]) -> Iterator[Finding]:
    named = False
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        value = environ.get(variable, "")
        if value:
            named = True
            there = Path(value).exists()
            hint = f"unset {variable}, or set it to an existing path"
            yield (Finding(variable, value) if there else wrong(variable, f"{value} is not there", hint))
    if not named:
        yield Finding("certificates", "those of the system")
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if environ.get(variable) and not named:
            hint = f'export SSL_CERT_FILE="${variable}"'
            yield note(variable, "is not used here; SSL_CERT_FILE is", hint)
    yield Finding("tls", ssl.OPENSSL_VERSION)


async def ask(credentials: Credentials) -> AsyncIterator[Finding]:
    """Check that a source answers and accepts the key; yield the result, with the time taken."""
    where = one_line(redact(credentials.root_url), 300)
    yield Finding("location", where)
    yield Finding("key", credentials.key_origin)
    begun = time.monotonic()
    try:
        source = await sources.probe.open_any(credentials)
        try:
            await sources.open_source.check(source)
            about = await source.about()
        finally:
            await source.aclose()
    except MLHubException as error:
        taken = time.monotonic() - begun
        yield wrong("answer", f"{error.message} (after {taken:.1f} s)", error.hint)
        return
    taken = time.monotonic() - begun
    words = ", ".join(filter(None, (source.kind, about.title, f"in {taken * 1000:,.0f} ms")))
    if taken > _SLOW:
        yield note("answer", words, "the source or the way to it is slow; lists are fetched as needed")
    else:
        yield Finding("answer", words)
    for word in about.notes:
        yield note("says", word)
