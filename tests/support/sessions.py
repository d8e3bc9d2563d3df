"""Sessions with servers on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mlhub_tui.http.session import Session

from .http_server import Answer, Handler, LoopbackServer


@asynccontextmanager
async def session_to(
    answer: Answer | Handler, **options: Any
) -> AsyncIterator[tuple[Session, LoopbackServer]]:
    """Yield a session with the API of a server, and the server, for the time of a block."""
    with LoopbackServer(answer if callable(answer) else lambda _: answer) as server:
        async with Session(root_url=server.root, **options) as session:
            yield session, server
