"""What the command palette offers: every command that works here, with its key, and the public sources."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.screen import Screen

from ..profiles import for_location
from .commands import EVERYWHERE, of

if TYPE_CHECKING:
    from ..sources.known import Known
    from .app import MLHubApp


def offered(app: MLHubApp, screen: Screen[Any]) -> Iterator[SystemCommand]:
    """Yield the commands of a screen, those that work everywhere, and one for each public source."""
    from ..sources.known import KNOWN

    yield SystemCommand("Theme", "Change the colours", app.action_change_theme)
    for command in of(getattr(screen, "place", ""), EVERYWHERE):
        if command.palette:
            title = f"{command.title[:1].upper()}{command.title[1:]}  ({command.all_keys})"
            target = app if command.where == EVERYWHERE else screen
            run = partial(app.call_later, app.run_action, command.action, target)
            yield SystemCommand(title, command.help, run)
    for known in KNOWN:
        yield SystemCommand(f"Browse {known.title}", known.about, partial(_browse, app, known))


def _browse(app: MLHubApp, known: Known) -> None:
    app.use(for_location(known.root_url, kind=known.kind, origin=f"public source {known.name}"))
    app.action_go("browse")
