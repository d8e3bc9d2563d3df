"""Certificates and clients for tests of the HTTP client."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable

import pytest
import trustme

from mlhub_tui.http.client import ClientConfig, HTTPClient
from mlhub_tui.http.connect import ProxySettings


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def server_context(authority: trustme.CA) -> Callable[[str], ssl.SSLContext]:
    """Return TLS settings of a server, for `1.2` or `1.3`."""
    certificate = authority.issue_cert("localhost", "127.0.0.1")

    def make(version: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        context.minimum_version = context.maximum_version = {
            "1.2": ssl.TLSVersion.TLSv1_2,
            "1.3": ssl.TLSVersion.TLSv1_3,
        }[version]
        return context

    return make


@pytest.fixture
def trusting(authority: trustme.CA) -> Callable[[], ssl.SSLContext]:
    """Return TLS settings of a client that trusts the tests' authority."""

    def make() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without the system's: reading those takes a while
        authority.configure_trust(context)
        return context

    return make


@pytest.fixture
async def client(trusting: Callable[[], ssl.SSLContext]) -> AsyncIterator[HTTPClient]:
    """A client without proxies that trusts the tests' authority."""
    async with HTTPClient(ClientConfig(tls_context=trusting, proxies=ProxySettings({}))) as made:
        yield made


@pytest.fixture
async def hasty(trusting: Callable[[], ssl.SSLContext]) -> AsyncIterator[HTTPClient]:
    """A client that looks at its connections often, and keeps two idle ones."""
    config = ClientConfig(tls_context=trusting, proxies=ProxySettings({}), tick=0.05, max_idle=2)
    async with HTTPClient(config) as made:
        yield made


@pytest.fixture(params=["plain", "1.2", "1.3"])
def transport(
    request: pytest.FixtureRequest, server_context: Callable[[str], ssl.SSLContext]
) -> ssl.SSLContext | None:
    """TLS settings of a server, of each version; None for a plain one."""
    return None if request.param == "plain" else server_context(request.param)
