"""Keys that come faster than the screen: what is typed behind a key goes where that leads.

Behind a key that opens a field it goes into the field.
"""

from __future__ import annotations

from textual.app import App
from textual.events import Event, Key
from textual.widget import Widget

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

    def _came_back(self, event: Key) -> bool:
        """Type a key that a widget had no use for: a field keeps what it can, so it never went there."""
        field = self.focused
        sets_aside = getattr(field, "sets_aside", None)
        if sets_aside is not None and sets_aside(event):
            return False
        if field is None or not event.character or not field.check_consume_key(event.key, event.character):
            return True
        from textual.widgets import Input  # heavy, and the first screen does not need it

        if not isinstance(field, Input):
            return True
        field.insert_text_at_cursor(event.character)
        return False

    def _arrived(self, event: Key) -> bool:
        """Send a key the way of the one just before it, so that none overtakes another on its way round."""
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


def _is_field(widget: Widget | None) -> bool:
    return widget is not None and widget.check_consume_key("a", "a")
