"""Dispatch of keys, clicks and actions to screens that are composed and open; the dimmed screen behind."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.color import Color
from textual.dom import DOMNode
from textual.events import Event, InputEvent, Key, Mount, Paste, ScreenResume
from textual.geometry import Offset, Size
from textual.message import Message
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import AwaitMount, Widget

if TYPE_CHECKING:
    from textual.css.styles import RulesMap
    from textual.screen import Screen
    from textual.style import Style
    from textual.visual import RenderOptions
    from textual.worker import Worker

IN_ONE_GO = 0.3
"""Seconds between two keys that belong together: a paste, or the buffer of a slow connection."""

_BETWEEN_FIELDS = ("tab", "shift+tab")


class TypeAheadApp(App[int]):
    """An app that loses no key to the time a field takes to open.

    Textual hands a key to the widget that has the focus when the key arrives. Behind a `/` in the same packet
    that is still the tree, which would take the letters of a filter for commands.
    """

    _last_target: Widget | None = None
    _last_time = 0.0

    async def on_event(self, event: Event) -> None:
        """Give keys to the field that opened meanwhile, in their order."""
        if isinstance(event, Key) and not (
            self._came_back(event) if event.is_forwarded else self._arrived(event)
        ):
            return
        await super().on_event(event)

    def rests(self, seconds: float) -> bool:
        """Tell whether no key came for some seconds."""
        return monotonic() - self._last_time >= seconds

    def target_of_keys(self) -> Widget | None:
        """Return the widget that the last key was sent to, which the keys of one packet all are."""
        return self._last_target or self.focused

    def _came_back(self, event: Key) -> bool:
        """Type a key that a widget had no use for: a field keeps what it can, so it never went there."""
        field = self.focused
        sets_aside = getattr(field, "sets_aside", None)
        if sets_aside is not None and sets_aside(event):
            return False
        if field is None or not event.character or not field.check_consume_key(event.key, event.character):
            return True
        insert = getattr(field, "insert_text_at_cursor", None)  # an Input: its module is imported late
        if insert is not None:
            insert(event.character)
        return insert is None

    def _arrived(self, event: Key) -> bool:
        """Send a key the way of the one just before it, so that none overtakes another on its way round."""
        focused, before = self.focused, self._last_target
        in_field = _is_field(focused)
        together = event.time - self._last_time < IN_ONE_GO
        self._last_time = event.time
        if together and in_field and before is not None and before is not focused and before.is_attached:
            before._forward_event(event)
            return False
        own = getattr(focused, "completes", False) and event.key == "tab"
        if event.key in _BETWEEN_FIELDS and in_field and self.screen.is_modal and not own:
            # At once, not when the field has sent it back: the next key is for the next field already.
            (self.screen.focus_next if event.key == "tab" else self.screen.focus_previous)()
            return False
        self._last_target = None if in_field else focused
        return True


def _is_field(widget: Widget | None) -> bool:
    return widget is not None and widget.check_consume_key("a", "a")


ON_ITS_WAY = 2.0
"""Seconds after which a key that has not come back from the widgets is not waited for."""
_PASTE_DELAY = 0.01  # seconds between looks whether they have come back
_OPENING_DELAY = 0.002  # seconds between looks whether a dialog is open


class DispatchApp(TypeAheadApp):
    """An app in which no key, click or action reaches a screen that is not composed, or is closed.

    Textual passes a key from widget to widget and back to the app, which then looks up its binding. If the
    screen is closed meanwhile, the key is lost: it is sent to the screen beneath instead.
    """

    _sent: tuple[tuple[Key, OnceScreen[Any]], ...] = ()
    """Keys that are with the widgets of a screen, in the order of typing, and those that wait behind them."""
    _awaited: Key | None = None
    """A key that a field of text has no use for itself, until what it does is done."""
    _is_back = False
    """Whether it came back from the widgets: what it does is left to the screen."""
    _field: Widget | None = None
    _since = 0.0
    """The field that it was sent to, and when."""
    _held: tuple[Key, ...] = ()
    """The keys behind it: they are for what it leads to, as a next field or less text."""

    async def on_event(self, event: Event) -> None:
        """Let input wait until the screen in front is composed: it acts there."""
        if isinstance(event, Key) and self._holds(event):
            return
        fresh = isinstance(event, Key) and not event.is_forwarded
        if isinstance(event, Key):
            self._sent = tuple(
                (key, screen)
                for key, screen in self._sent
                if key is not event and not key._stop_propagation and event.time - key.time < ON_ITS_WAY
            )
            closed = next((screen for _, screen in self._sent if screen.is_closed), None)
            if fresh and closed is not None:
                self._sent = (*self._sent, (event, closed))
                return
        if isinstance(event, Paste) and not event.is_forwarded and self._is_paste_early():
            # Behind a `/` in the same packet: it belongs in the field that opens. The timer is of asyncio:
            # one of Textual's never ticks where the process rests for that time as it is started (8.2).
            asyncio.get_running_loop().call_later(_PASTE_DELAY, self.post_message, Paste(event.text))
            return
        if isinstance(event, InputEvent | Paste):
            await self._compose_front()
            if not self.screen_stack or self._exit:
                return
            if self.focused is not None and not self.focused.is_attached:
                # It got the focus while it was taken down: all keys would end there.
                self.screen.set_focus(None)
        commits = isinstance(event, Key) and event.key == "enter" and self._commits()
        if commits and not fresh and isinstance(event, Key):
            self._await(event, self.focused, is_back=True)
        await super().on_event(event)
        if fresh and isinstance(event, Key) and event.is_forwarded and self.screen_stack:
            target = self.target_of_keys()
            screen = target.screen if target is not None and target.is_attached else self.screen
            if isinstance(screen, OnceScreen):
                self._sent = (*self._sent, (event, screen))
            if _is_field(target) and target and not target.check_consume_key(event.key, event.character):
                self._await(event, target, is_back=False)
        elif event is self._awaited and not commits:
            self.send_held()

    def _await(self, key: Key, field: Widget | None, *, is_back: bool) -> None:
        self._awaited, self._is_back = key, is_back
        self._field, self._since = field, monotonic()

    def _commits(self) -> bool:
        """Whether the screen in front goes to another field on Enter."""
        screen = self.screen if self.screen_stack else None
        return isinstance(screen, OnceScreen) and screen.commits(screen.focused)

    def _holds(self, event: Key) -> bool:
        """Tell whether a key waits for what the one before it does to a field."""
        awaited = self._awaited
        if awaited is None or event is awaited or (event.is_forwarded and event.time <= awaited.time):
            return False
        self._held = (*self._held, event)
        if len(self._held) == 1:
            self._wait()
        elif not self._is_awaiting():
            self.send_held()
        return True

    def _wait(self) -> None:
        """Look from time to time whether the key that others wait for met another end."""
        if self._held and self._is_awaiting():
            self.set_timer(ON_ITS_WAY, self._wait)
        elif self._held:
            self.send_held()

    def _is_awaiting(self) -> bool:
        """Whether what a key does to a field is still to come."""
        key, field = self._awaited, self._field
        if key is None or field is None or (key._stop_propagation and not self._is_back):
            return False
        return field.is_attached and monotonic() - self._since < ON_ITS_WAY

    def send_held(self) -> None:
        """Send the keys that waited for what another one does."""
        if self._awaited is not None:
            self.call_later(self._send_held)

    async def _send_held(self) -> None:
        held, self._held, self._awaited = self._held, (), None
        for event in held:
            await self.on_event(event)

    def _is_paste_early(self) -> bool:
        """Whether a key that was sent before a paste may still open the field that it belongs in."""
        now = monotonic()
        out = any(not key._stop_propagation and now - key.time < ON_ITS_WAY for key, _ in self._sent)
        return out or self._is_awaiting()

    def send_again(self, screen: Screen[Any]) -> None:
        """Send the keys that were with the widgets of a screen, which is gone, to the one in front."""
        lost = [key for key, sent in self._sent if sent is screen and not key._stop_propagation]
        self._sent = tuple(entry for entry in self._sent if entry[1] is not screen)
        for key in lost:
            self.post_message(Key(key.key, key.character))

    async def _compose_front(self) -> None:
        """Return once the screen in front is composed and has its focus."""
        while self.is_running and self.screen_stack:
            screen = self.screen
            if screen.is_mounted or not self.is_mounted(screen):
                return
            await AwaitMount(screen, [screen])
            if screen.is_active:  # another may have been pushed meanwhile
                screen._update_auto_focus()

    async def push_screen_wait(
        self, screen: Screen[ScreenResultType] | str, *, mode: str | None = None
    ) -> ScreenResultType | Any:
        """Push a screen and return its result; a worker that is cancelled meanwhile ends alone.

        Textual has the worker do first what the app is to do next, as removing the dialog before. The app may
        wait for that too: it would be cancelled with it, and end.
        """
        await asyncio.shield(asyncio.ensure_future(self._flush_next_callbacks()))
        return await super().push_screen_wait(screen, mode=mode)

    async def opening(self, worker: Worker[Any]) -> None:
        """Return once a worker that a key began has opened a screen, or ended: the next keys are for it."""
        before, since = self.screen, monotonic()
        while monotonic() - since < ON_ITS_WAY and not worker.is_finished and not self._exit:
            if not self.screen_stack or self.screen is not before:
                return
            await asyncio.sleep(_OPENING_DELAY)

    async def _dispatch_action(self, namespace: DOMNode, action_name: str, params: Any) -> bool:
        """Run an action; one of a screen, or widget, that is not open is ignored."""
        if not self._takes_actions(namespace):
            return False
        return await super()._dispatch_action(namespace, action_name, params)

    def _takes_actions(self, node: DOMNode) -> bool:
        if self._exit or not isinstance(node, Widget):
            return not self._exit
        open_ = node.is_attached and node.is_mounted and not node._pruning
        return open_ and node.screen in self.screen_stack and node.screen.is_mounted


class OnceScreen(Screen[ScreenResultType], Generic[ScreenResultType]):
    """A screen that is dismissed once, however often `dismiss` is called."""

    _outcome: tuple[ScreenResultType | None] | None = None
    """What it was dismissed with while another screen was in front of it."""
    _styled = False

    @property
    def is_closed(self) -> bool:
        """Whether it is on no stack of screens: not any more, once it was pushed."""
        return not any(self in stack for stack in self.app._screen_stacks.values())

    def commits(self, widget: Widget | None) -> bool:
        """Tell whether Enter on a widget leads to another one; such a screen calls `committed` then."""
        return False

    def committed(self) -> None:
        """Send the keys behind an Enter to what has the focus now."""
        if isinstance(self.app, DispatchApp):
            self.app.send_held()

    async def _on_message(self, message: Message) -> None:
        """Drop what its widgets or the terminal send once it is closed or the app ends, and begin nothing."""
        if (self.is_closed or self.app._exit) and _is_late(message):
            return
        if isinstance(message, ScreenResume) and not self._styled:
            # What was mounted with it has its styles: a second look at all rules takes as long as the first.
            self._styled, message.refresh_styles = True, False
        await super()._on_message(message)

    async def _message_loop_exit(self) -> None:
        await super()._message_loop_exit()
        if isinstance(self.app, DispatchApp):
            self.app.send_again(self)

    def get_widget_and_offset_at(self, x: int, y: int) -> tuple[Widget | None, Offset | None]:
        """Return the widget at a place, and where within it; none that was removed since the last layout."""
        widget, offset = super().get_widget_and_offset_at(x, y)
        return (widget, offset) if widget is None or widget.is_attached else (None, None)

    def add_size_classes(self) -> None:
        """Have the classes of the terminal's size, which Textual gives once it has laid out everything."""
        app = self.app
        own, of_app = ((one.HORIZONTAL_BREAKPOINTS, one.VERTICAL_BREAKPOINTS) for one in (self, app))
        for dimension, mine, usual in zip(app.size, own, of_app, strict=True):
            points = usual if mine is None else mine
            self._classes.update(self._get_breakpoint_classes(dimension, points or []))

    def _screen_resized(self, size: Size) -> None:
        # Textual lays out a new screen twice: for its size, and for the news that this is its size now.
        if size != self.outer_size or self._layout_required:
            super()._screen_resized(size)

    def render(self) -> Any:
        """Draw what is around a dialog: the screen behind it, dimmed."""
        behind = super().render()
        if isinstance(behind, BackgroundScreen):
            return DimmedScreen(behind.screen, behind.color)
        return behind

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close with a result, now or once the screen is in front again; where it is closed, do nothing."""
        if self.is_active:
            if self._outcome is not None:
                (result,) = self._outcome
            return super().dismiss(result)
        if self._outcome is None:
            self._outcome = (result,)
        return AwaitComplete(asyncio.sleep(0))

    def on_screen_resume(self) -> None:
        """Close now, if it was dismissed while another screen was in front."""
        if self._outcome is not None:
            self.dismiss()


def _is_late(message: Message) -> bool:
    if isinstance(message, Event):
        return isinstance(message, InputEvent | Paste | Mount)
    return type(message).__module__ != "textual.messages"


class Dialog(ModalScreen[ScreenResultType], OnceScreen[ScreenResultType]):
    """A dialog, over the screen that it was asked for on."""


class DimmedScreen(Visual):
    """A screen in the colours it has behind a dialog.

    - `screen`: The screen.
    - `tint`: The colour over it, translucent.
    """

    def __init__(self, screen: Screen[Any], tint: Color) -> None:
        self._screen, self._tint = screen, tint

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        """Return the lines that the screen shows, dimmed, without links or actions."""
        base, tint = style.rich_style, self._tint
        return [
            Strip(
                [Segment(text, _dimmed(own, base, tint), control) for text, own, control in strip],
                strip.cell_length,
            )
            for strip in self._screen._compositor.render_strips()[:height]
        ]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """Return the width of the screen."""
        return self._screen.size.width

    def get_height(self, rules: RulesMap, width: int) -> int:
        """Return the height of the screen."""
        return self._screen.size.height


@lru_cache(maxsize=1024)
def _dimmed(own: RichStyle | None, base: RichStyle, tint: Color) -> RichStyle:
    if own is None:
        return base
    own = own.clear_meta_and_links()
    text, ground = (
        (Color.from_rich_color(colour) + tint).rich_color if colour is not None else None
        for colour in (own.color, own.bgcolor)
    )
    return base + own + RichStyle.from_color(text, ground)
