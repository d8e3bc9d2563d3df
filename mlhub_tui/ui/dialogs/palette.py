"""Search of the palette: commands by a word of their name or description; the best match first."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult, SystemCommand
from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.events import Click
from textual.screen import Screen

from ... import sources
from ...auth import for_location
from ..terminal.dispatch import OnceScreen
from .help import HelpEntry, reachable, run_entry

if TYPE_CHECKING:
    from ...sources.well_known import WellKnownSource
    from ..context import AppContext


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


class _Commands(CommandList):
    """The list, which others may have taken the place of since it was drawn where the mouse points."""

    def on_click(self, event: Click) -> None:
        """Ignore a click on a command that is not in the list any more."""
        if (event.style.meta.get("option") or 0) >= self.option_count:
            event.prevent_default()


class Palette(CommandPalette, OnceScreen[None]):
    """Textual's command palette, closed once and not again."""

    def compose(self) -> ComposeResult:
        """Lay out Textual's parts, with a list of our own."""
        for part in super().compose():
            yield _Commands() if type(part) is CommandList else part

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close; what is gathered for the list ends before that is taken down."""
        if self.is_active:
            self.workers.cancel_node(self)
        return super().dismiss(result)

    def _action_command_list(self, action: str) -> None:
        """Move in the list, once it has a place: a page has no height before."""
        if self.query_one(CommandList).scrollable_content_region:
            super()._action_command_list(action)


def offered(app: AppContext, screen: Screen[Any]) -> Iterator[SystemCommand]:
    """Yield what can be done on a screen, the nearest to the keys first, and one for each public source."""
    entries = [entry for section in reachable(app, screen) for entry in section.entries]
    yield from (_offer(app, entry) for entry in entries if entry.command.palette)
    yield SystemCommand("Theme", "Change the colours", app.action_change_theme)
    yield SystemCommand("First steps", "Five lines for a first start", app.action_tour)
    yield SystemCommand("Browse the sample catalog", "45 datasets, no key, no network", partial(_sample, app))
    for known in sources.well_known.KNOWN:
        yield SystemCommand(f"Browse {known.title}", known.about, partial(_browse, app, known))
    # Moves of the cursor come last: a user who looks for one types a word of it.
    yield from (_offer(app, entry) for entry in entries if not entry.command.palette)


def _offer(app: AppContext, entry: HelpEntry) -> SystemCommand:
    one = entry.command
    title = f"{one.title[:1].upper()}{one.title[1:]}  ({one.all_keys})"
    return SystemCommand(title, one.help, partial(run_entry, app, entry))


def _sample(app: AppContext) -> None:
    app.use_sample()
    app.action_go("browse")


def _browse(app: AppContext, known: WellKnownSource) -> None:
    app.use(for_location(known.root_url, kind=known.kind, origin=f"public source {known.name}"))
    app.action_go("browse")
