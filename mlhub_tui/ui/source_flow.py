"""From the form for a source to browsing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..auth import Credentials
from ..errors import AuthenticationError, MLHubException
from .source_start import Start, of_place

if TYPE_CHECKING:
    from .app import MLHubApp

__all__ = ["ask", "lacks_key", "of_place"]


def lacks_key(credentials: Credentials, error: MLHubException) -> bool:
    """Whether a source that is no profile was opened without the key it wants."""
    return isinstance(error, AuthenticationError) and not credentials.profile and not credentials.secret


async def ask(app: MLHubApp, start: Start | None) -> None:
    """Ask for a source, from a worker; browse it if that is wanted, show its profile if it was saved."""
    from .screens.profiles import ProfilesScreen
    from .screens.source_form import SourceForm

    if isinstance(app.screen, SourceForm):
        return
    answer = await app.push_screen_wait(SourceForm(start or Start()))
    if answer is None:
        return
    if answer.saved is not None and isinstance(app.screen, ProfilesScreen):
        app.screen.settle_on(answer.saved)
    if answer.credentials is not None:
        app.use(answer.credentials)
        app.action_go("browse")
