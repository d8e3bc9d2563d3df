"""Keys that come faster than the screen: what is typed behind a key goes where that leads.

Behind a key that opens a field it goes into the field; behind one that ends a field, to what comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from textual.app import App
from textual.events import Event, Key
from textual.timer import Timer
from textual.widget import Widget

IN_ONE_GO = 0.3
"""Seconds between two keys that belong together: a paste, or the buffer of a slow connection."""

LONGEST_HOLD = 5.0
"""Seconds that keys wait for a field to end: a filter over very much takes a while to find something."""
_BETWEEN_FIELDS = ("tab", "shift+tab")
_LOOK = 0.01


@dataclass
class _Hold:
    """Keys that wait until a field is left, and the one that ends it."""

    owner: Widget
    ending: Key
    came_back: bool = False
    """Whether the ending key was on its way round: what comes back behind it is to wait, too."""
    keys: list[Key] = field(default_factory=list)
    looks: int = 0


class TypeAheadApp(App[int]):
    """An app that loses no key to the time a field takes to open.

    Textual hands a key to the widget that has the focus when the key arrives. Behind a `/` in the same packet
    that is still the tree, which would take the letters of a filter for commands. And behind the Enter that
    ends a filter it is still the filter's field, which would take commands for its letters: they wait.
    """

    _last_target: Widget | None = None
    _last_time = 0.0
    _hold: _Hold | None = None
    _holding: Timer | None = None

    async def on_event(self, event: Event) -> None:
        """Give keys to the field that opened meanwhile, in their order."""
        if isinstance(event, Key) and not (
            self._came_back(event) if event.is_forwarded else self._arrived(event)
        ):
            return
        await super().on_event(event)

    def _came_back(self, event: Key) -> bool:
        """Type a key that a widget had no use for: a field keeps what it can, so it never went there."""
        if self._waits(event):
            return False
        field = self.focused
        if field is None or not event.character or not field.check_consume_key(event.key, event.character):
            return True
        from textual.widgets import Input  # heavy, and the first screen does not need it

        if not isinstance(field, Input):
            return True
        field.insert_text_at_cursor(event.character)
        return False

    def _arrived(self, event: Key) -> bool:
        """Send a key the way of the one just before it, so that none overtakes another on its way round."""
        if self._waits(event):
            return False
        focused, before = self.focused, self._last_target
        together = event.time - self._last_time < IN_ONE_GO
        self._last_time = event.time
        if (
            together
            and before is not None
            and before is not focused
            and _is_field(focused)
            and before.is_attached
        ):
            before._forward_event(event)
            return False
        own = getattr(focused, "completes", False) and event.key == "tab"
        if event.key in _BETWEEN_FIELDS and _is_field(focused) and self.screen.is_modal and not own:
            # At once, not when the field has sent it back: the next key is for the next field already.
            (self.screen.focus_next if event.key == "tab" else self.screen.focus_previous)()
            return False
        self._last_target = None if _is_field(focused) else focused
        return True

    def _waits(self, event: Key) -> bool:
        """Keep a key back while a field is about to end; begin to, where this is the key that ends it."""
        hold = self._hold
        if hold is not None and hold.owner is not self.focused:
            self._let_go()
        elif hold is not None:
            if event is hold.ending:
                hold.came_back = True
            elif hold.came_back or not event.is_forwarded:
                hold.keys.append(event)
                return True
            return False
        focused = self.focused
        if focused is not None and event.key in getattr(focused.parent, "ends_with", ()):
            self._hold = _Hold(focused, event, came_back=event.is_forwarded)
            self._holding = self.set_interval(_LOOK, self._look)
        return False

    def _look(self) -> None:
        """Let the keys go once the field is left; after a while in any case."""
        hold = self._hold
        if hold is not None:
            hold.looks += 1
        if hold is None or hold.owner is not self.focused or hold.looks * _LOOK > LONGEST_HOLD:
            self._let_go()

    def _let_go(self) -> None:
        hold, self._hold = self._hold, None
        if self._holding is not None:
            self._holding.stop()
            self._holding = None
        for event in hold.keys if hold is not None else ():
            # Anew: what went round once already is not passed on again.
            (self.focused or self.screen)._forward_event(Key(event.key, event.character))


def _is_field(widget: Widget | None) -> bool:
    return widget is not None and widget.check_consume_key("a", "a")
