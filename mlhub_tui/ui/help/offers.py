"""What the palette finds: commands by a word of their name, or of what is said of them; the nearest first."""

from __future__ import annotations

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

_BY_WORDS = 0.4
"""What a match in the sentence counts of one in the name."""


class CommandProvider(Provider):
    """The app's commands in their own order, with the keys in the colour of keys."""

    async def discover(self) -> Hits:
        """Yield all, the nearest to the keys first."""
        for one in self.app.get_system_commands(self.screen):
            yield DiscoveryHit(_shown(one), one.callback, text=one.title, help=one.help)

    async def search(self, query: str) -> Hits:
        """Yield those in whose name, keys or sentence the letters occur in their order."""
        matcher = self.matcher(query)
        for one in self.app.get_system_commands(self.screen):
            score = matcher.match(one.title)
            if score > 0:
                yield Hit(score, matcher.highlight(one.title), one.callback, text=one.title, help=one.help)
            elif query.casefold() in one.help.casefold():
                yield Hit(_BY_WORDS, _shown(one), one.callback, text=one.title, help=one.help)


def _shown(one: SystemCommand) -> Content:
    name, _, keys = one.title.partition("  ")
    return Content(name) + Content.styled(f"  {keys}" if keys else "", "$accent")
