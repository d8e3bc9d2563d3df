"""News between the parts of the app, as messages."""

from __future__ import annotations

from textual.message import Message


class QueueChanged(Message, bubble=False):
    """Something changed in the download queue; many in a row become one."""

    def can_replace(self, message: Message) -> bool:
        """Replace one that is still waiting: the queue's snapshot tells all."""
        return isinstance(message, QueueChanged)


class ConnectionChanged(Message, bubble=False):
    """Another source is in use, or the one in use could not be opened."""


class MarksChanged(Message, bubble=False):
    """Something else is downloaded, or queued, of the source in use."""
