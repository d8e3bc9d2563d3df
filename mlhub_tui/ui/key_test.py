"""Asks an API whether it takes a key."""

from __future__ import annotations

import contextlib

from ..errors import APIKeyNotFound
from ..profiles import Credentials
from .connection import open_connection


async def check_credentials(credentials: Credentials) -> None:
    """Return if the API takes the key.

    Raises
    ------
    APIKeyNotFound
        If there is no key to test.
    RequestError
        If the API refuses the key, or does not answer as it should.
    """
    if not credentials.api_key:
        raise APIKeyNotFound("this profile has no key to test", hint="press e to enter one")
    connection = await open_connection(credentials)
    try:
        await connection.source.check_key()
    finally:
        with contextlib.suppress(Exception):
            await connection.source.aclose()
