"""Help: the commands of a screen, listed and in the palette; the manual; the message history."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.containers import Horizontal
from textual.content import Content
from textual.dom import DOMNode
from textual.events import Click
from textual.screen import Screen
from textual.widgets import Static

from ... import manual, sources
from ...auth import for_location
from ...metadata.blocks import Block, FieldBlock, Paragraph, Prose
from ...text import count, one_line
from ..commands import COMMANDS, EVERYWHERE, LISTS, AppCommand, command, of
from ..terminal.characters import content
from ..terminal.dispatch import OnceScreen
from ..widgets.bars import STYLES, Notification
from ..widgets.detail_view import DetailView
from ..widgets.line_view import PickLine, PickList
from .base import FindDialog, TextDialog

if TYPE_CHECKING:
    from textual.app import App

    from ...sources.open_source import WellKnownSource
    from ..context import AppContext

_PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """A command, or a key of a dialog as one without an id; `target` is None where it cannot be run."""

    command: AppCommand
    action: str = ""
    target: DOMNode | None = None


@dataclass(frozen=True, slots=True)
class HelpSection:
    """The commands of one place; `here` is whether they work on the screen in front."""

    name: str
    entries: tuple[HelpEntry, ...]
    here: bool = True


def sections(app: App[Any], screen: Screen[Any]) -> list[HelpSection]:
    """Return all commands: what the focus adds, the screen's, the app's, then those of other screens."""
    here = [*reachable(app, screen)]
    seen = {entry.command.id for section in here for entry in section.entries}
    found = list(here)
    for place in dict.fromkeys(one.where for one in COMMANDS):
        rest = tuple(HelpEntry(one) for one in of(place) if one.id not in seen)
        found += [HelpSection(place, rest, False)] if rest else []
    return found


def reachable(app: App[Any], screen: Screen[Any]) -> Iterator[HelpSection]:
    """Yield what can be done on a screen, the nearest to the keys first."""
    place = getattr(screen, "place", "")
    yield from _of_focus(screen, place)
    if place:
        yield HelpSection(place, tuple(HelpEntry(one, one.action, screen) for one in of(place)))
    elif own := [_entry(binding, screen) for binding in own_bindings(screen)]:
        yield HelpSection("This dialog", tuple(own))
    if not screen.is_modal:
        yield HelpSection(EVERYWHERE, tuple(HelpEntry(one, one.action, app) for one in of(EVERYWHERE)))


def _of_focus(screen: Screen[Any], place: str) -> Iterator[HelpSection]:
    """Yield the keys of what has the focus and of what holds that, below the screen."""
    grouped: dict[str, dict[str, HelpEntry]] = {}
    for node in screen.focused.ancestors_with_self if screen.focused is not None else ():
        if node is screen:
            break
        for binding in own_bindings(node):
            entry = _entry(binding, node)
            if entry.command.where != place:
                grouped.setdefault(entry.command.where, {}).setdefault(entry.command.id or binding.key, entry)
    for name in sorted(grouped, key=lambda name: name == LISTS):
        yield HelpSection(name, tuple(grouped[name].values()))


def own_bindings(node: DOMNode) -> Iterator[Binding]:
    """Yield the key bindings of a node that are ours, not Textual's, and say what they do; each once."""
    taken: set[str] = set()
    for kind in type(node).__mro__:
        if kind.__module__.partition(".")[0] != _PACKAGE:
            continue
        for binding in vars(kind).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.description and binding.key not in taken:
                taken.add(binding.key)
                yield binding
        if not getattr(kind, "_inherit_bindings", True):
            return


def _entry(binding: Binding, node: DOMNode) -> HelpEntry:
    words = binding.description
    known = command(binding.id)
    one = known or AppCommand("", binding.key, binding.action, words, words[:1].upper() + words[1:], "Here")
    return HelpEntry(one, binding.action, node)


def run_entry(app: App[Any], entry: HelpEntry) -> None:
    """Run a command, once the screen that offered it is gone."""
    if entry.command.id == "app.back":
        # What the key does depends on the innermost widget, which only the key finds.
        app.call_later(app.simulate_key, "escape")
    elif entry.target is not None and (entry.target is app or entry.target.is_attached):
        app.call_later(app.run_action, entry.action, entry.target)


class HelpScreen(FindDialog[HelpEntry | Literal["tour"] | None]):
    """Shows the keys; dismissed with the command to run, or `tour`.

    - `sections`: What can be done, the nearest first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "dismiss(None)", show=False),
        Binding("t", "dismiss('tour')", show=False),
    ]
    CSS = """
    HelpScreen > .dialog { width: 106; height: 94%; padding: 0 0 0 1; }
    HelpScreen PickList { height: 1fr; }
    HelpScreen #about { height: 3; padding: 0 1; border-top: solid $line; color: $muted; }
    HelpScreen.-short #about { height: 2; border-top: none; }
    """
    AUTO_FOCUS = "PickList"

    heading, keys = "Keys", "enter runs, / searches, F1 manual, t first steps, esc closes"
    find_words = "a key, or what it does"

    def __init__(self, sections: Sequence[HelpSection]) -> None:
        self._list = PickList()
        super().__init__(self._list)
        self._sections = sections
        self._entries: dict[str, HelpEntry] = {}
        self.bar_before = self._about = Static(id="about")
        self.rows = (self._list, self._about)

    def on_mount(self) -> None:
        """Show all keys."""
        self.find("")

    def find(self, words: str) -> str:
        """Show the commands in whose keys, words or id every word occurs."""
        terms, lines = words.casefold().split(), list[PickLine]()
        self._entries.clear()
        for section in self._sections:
            found = [entry for entry in section.entries if _has(entry, terms)]
            if found:
                lines.append(PickLine(section.name if section.here else f"{section.name}, elsewhere"))
            for entry in found:
                key = str(len(self._entries))
                self._entries[key] = entry
                lines.append(PickLine(entry.command.all_keys, entry.command.help, key=key))
        self._list.show(lines)
        self._list.cursor_line = 0
        self._explain()
        return f"{len(self._entries)}" if words else ""

    @property
    def found(self) -> int:
        """How many commands are shown."""
        return len(self._entries)

    @property
    def current(self) -> HelpEntry | None:
        """The command under the cursor."""
        return self._entries.get(self._list.current.key) if self._list.current is not None else None

    @on(PickList.Moved)
    def _explain(self) -> None:
        words = Content("No command matches.")
        if (entry := self.current) is not None:
            one, here = entry.command, "" if entry.target else "Not on this screen. "
            words = content(f"{one.all_keys}  ", "bold $accent") + content(one.help)
            words += content(f"\n{here}In config.toml: {one.id}" if one.id else "")
        self._about.update(words)

    @on(PickList.Picked)
    def _picked(self) -> None:
        entry = self.current
        if entry is not None and entry.target is not None:
            self.dismiss(entry)
        elif entry is not None:
            self._about.update(content("That works on another screen.", "$warning"))


def _has(entry: HelpEntry, terms: Sequence[str]) -> bool:
    one = entry.command
    text = f"{one.all_keys}\n{one.help}\n{one.title}\n{one.id}".casefold()
    return all(term in text for term in terms)


_IN_NAME, _IN_HELP = 1000, 500
"""What is added for words that stand in the name, or in the sentence: more than letters ever count."""


class CommandProvider(Provider):
    """The app's commands in their own order, with the keys in the colour of keys."""

    async def discover(self) -> Hits:
        """Yield all, the nearest to the keys first."""
        for one in self.app.get_system_commands(self.screen):
            yield DiscoveryHit(_shown(one), one.callback, text=one.title, help=one.help)

    async def search(self, query: str) -> Hits:
        """Yield those with the words in the name, then in the sentence, then with just the letters."""
        matcher, words = self.matcher(query), query.casefold()
        for one in self.app.get_system_commands(self.screen):
            in_name, in_help = words in one.title.casefold(), words in one.help.casefold()
            score = matcher.match(one.title) + (_IN_NAME if in_name else _IN_HELP if in_help else 0)
            if score > 0:
                shown = _shown(one) if in_help and not in_name else matcher.highlight(one.title)
                yield Hit(score, shown, one.callback, text=one.title, help=one.help)


def _shown(one: SystemCommand) -> Content:
    name, _, keys = one.title.partition("  ")
    # In no colour of its own: the row under the cursor has another background, in 16 colours one of them.
    return Content(name) + Content.styled(f"  {keys}" if keys else "", "not bold")


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
    yield SystemCommand("Browse the sample catalog", "45 datasets, no key, no network", partial(_browse, app))
    for known in sources.open_source.KNOWN:
        yield SystemCommand(f"Browse {known.title}", known.about, partial(_browse, app, known))
    # Moves of the cursor come last: a user who looks for one types a word of it.
    yield from (_offer(app, entry) for entry in entries if not entry.command.palette)


def _offer(app: AppContext, entry: HelpEntry) -> SystemCommand:
    one = entry.command
    title = f"{one.title[:1].upper()}{one.title[1:]}  ({one.all_keys})"
    return SystemCommand(title, one.help, partial(run_entry, app, entry))


def _browse(app: AppContext, known: WellKnownSource | None = None) -> None:
    """Browse a public source; without one the sample catalog."""
    if known is None:
        app.use_sample()
    else:
        app.use(for_location(known.root_url, kind=known.kind, origin=f"public source {known.name}"))
    app.action_go("browse")


_MOST_HITS = 200


class ManualScreen(FindDialog[None]):
    """Topics on the left, the one under the cursor on the right; a search lists lines in their place.

    - `text_of`: Returns the Markdown of a topic.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f1", "dismiss(None)", show=False)]
    CSS = """
    ManualScreen > .dialog { width: 130; height: 94%; padding: 0; }
    ManualScreen PickList { width: 30; height: 1fr; border-right: solid $line; }
    ManualScreen PickList.-found { width: 45%; }
    ManualScreen.-narrow PickList { width: 20; }
    """
    AUTO_FOCUS = "PickList"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-wide")]  # noqa: RUF012 - declared so by Textual

    heading, keys = "Manual", "/ searches, tab next pane, esc closes"
    find_words = "a word of the manual"

    def __init__(self, text_of: Callable[[str], str]) -> None:
        self._topics, self._page = PickList(), DetailView()
        super().__init__(self._topics)
        self._text_of = text_of
        self._texts: dict[str, str] = {}
        self._shown = ""
        self._hits: list[tuple[manual.Hit, int]] = []
        self._word = ""
        self.rows = (Horizontal(self._topics, self._page),)

    def on_mount(self) -> None:
        """List the topics; the first is shown as the cursor is on it."""
        self._list_topics()

    async def action_search(self) -> None:
        """Type what to look for, while the topics that were not read yet are."""
        await super().action_search()
        self._load()

    @work(thread=True)
    def _load(self) -> None:
        """Fill the tables of all topics, for a search: the help of every command takes a while."""
        for topic in manual.TOPICS:
            self._text(topic)

    def _list_topics(self) -> None:
        self._hits, self._word = [], ""
        self._list([PickLine(manual.title(topic), key=topic) for topic in manual.TOPICS], self._shown)

    def _list(self, lines: Sequence[PickLine], current: str = "") -> None:
        """List lines, with the cursor on one of them, or on the first."""
        self._topics.set_class(bool(self._word), "-found")
        self._topics.show(lines)
        keys = [one.key for one in lines]
        self._topics.cursor_line = keys.index(current) if current in keys else 0
        self._follow()

    def _text(self, topic: str) -> str:
        if topic not in self._texts:
            self._texts[topic] = self._text_of(topic)
        return self._texts[topic]

    def _show(self, topic: str) -> None:
        """Show a topic; its sections are typeset one by one."""
        if topic != self._shown:
            self._shown = topic
            head, *sections = self._text(topic).split("\n## ")
            self._page.show([Prose(head), *(Prose(f"## {section}") for section in sections)])

    @on(PickList.Moved)
    def _follow(self) -> None:
        """Show what the cursor is on: a topic, or a line in it."""
        chosen = self._topics.current
        if chosen is None:
            return
        if self._word:
            hit, number = self._hits[int(chosen.key)]
            self._show(hit.topic)
            self._page.seek(self._word, number)
        else:
            self._show(chosen.key)

    @on(PickList.Picked)
    def _picked(self) -> None:
        self._page.focus()

    def find(self, words: str) -> str:
        """List the lines with a word, in place of the topics; of a letter alone nothing is looked for."""
        word = words.strip()
        if len(word) < 2:
            self._list_topics()
            return ""
        self._word = word
        self._hits = []
        for topic in manual.TOPICS:
            found = manual.found(iter([(topic, self._text(topic))]), word)
            self._hits += [(hit, number) for number, hit in enumerate(found)]
        shown = ((hit.topic, one_line(hit.line.strip(" |#*"), 200)) for hit, _ in self._hits[:_MOST_HITS])
        self._list([PickLine(": ".join(words), key=str(n)) for n, words in enumerate(shown)])
        return count(len(self._hits), "line")


class MessageLogScreen(TextDialog):
    """The message history, with times."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("exclamation_mark", "dismiss(None)", "close", show=False)
    ]
    CSS = """
    MessageLogScreen > .dialog { width: 90; height: 94%; padding: 0 0 0 1; }
    """
    heading, keys = "Messages", "j k scroll, esc closes"

    def __init__(self, messages: Sequence[Notification]) -> None:
        super().__init__()
        self._messages = messages

    def on_mount(self) -> None:
        """Show the list."""
        self.detail.show(log_blocks(self._messages))


def log_blocks(messages: Sequence[Notification]) -> list[Block]:
    """Return the messages, the last first, with time of day; errors and warnings are also marked in words."""
    if not messages:
        return [Paragraph("No messages yet.")]
    return [
        FieldBlock(
            time.strftime("%H:%M:%S", time.localtime(one.when)),
            f"{one.severity}: {one.words}" if one.severity in STYLES else one.words,
            STYLES.get(one.severity, ""),
        )
        for one in reversed(messages)
    ]
