"""The app as one finds one's way in it: what was visited, on whatever screen, and what was marked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work

from ..configured import ConfiguredApp
from .trail import NavigationHistory

if TYPE_CHECKING:
    from ...options import AppOptions


class TravellingApp(ConfiguredApp):
    """An app that remembers where one was."""

    def __init__(self, options: AppOptions) -> None:
        super().__init__(options)
        self.trail = NavigationHistory()

    def action_travel(self, step: int) -> None:
        """Go back to where one was, or forward again."""
        from ..screens.browse import BrowseScreen
        from ..screens.document import DocumentScreen

        screen = self.screen
        stack = self._screen_stacks.get("browse", [])
        browse = stack[0] if stack else None
        if screen.is_modal:
            return
        if self.current_mode != "browse":
            self.switch_mode("browse")
        elif screen is browse and isinstance(browse, BrowseScreen):
            browse.action_travel(step)
        elif len(stack) == 2 and isinstance(screen, DocumentScreen) and isinstance(browse, BrowseScreen):
            browse.travel(self.trail.current or browse.here(), step)
        elif step < 0:
            self.pop_screen()

    @work(group="favourites", exclusive=True)
    async def keep_favourites(self) -> None:
        """Write what was marked, now: a program that is killed remembers nothing at its end."""
        await asyncio.to_thread(self.memory.copy().write)
