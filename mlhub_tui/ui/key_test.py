"""Asks a source whether it takes a key."""

from __future__ import annotations

import contextlib

from ..auth import Credentials, Kind
from ..errors import APIKeyNotFound
from .connection import open_connection


async def check_credentials(credentials: Credentials) -> None:
    """Return if the source takes the key; one that needs none, if it answers.

    Raises
    ------
    APIKeyNotFound
        If there is no key to test, at an MLHub API.
    RequestError
        If the source refuses the key, or does not answer as it should.
    """
    if not credentials.api_key and credentials.kind is Kind.MLHUB:
        raise APIKeyNotFound("this profile has no key to test", hint="press e to enter one")
    connection = await open_connection(credentials)
    try:
        from ..sources.connect import check

        await check(connection.source)
    finally:
        with contextlib.suppress(Exception):
            await connection.source.aclose()
