"""A question before something that cannot be taken back."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ..dispatch import Dialog
from ..draw import content


class ConfirmScreen(Dialog[bool]):
    """Asks; `y` or Enter is yes, `n` or Esc is no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "yes", show=False),
        Binding("n,escape,q", "answer(False)", "no", show=False),
    ]

    def __init__(self, question: str, detail: str = "", *, yes: str = "Yes") -> None:
        super().__init__()
        self._question, self._detail, self._yes = question, detail, yes

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            yield Static(content(self._question, "bold"))
            if self._detail:
                yield Static(content(self._detail))
            yield Static(
                Content("\n").append_text("y", "bold $accent").append_text(f" {self._yes}    ")
                + Content.styled("n", "bold $accent")
                + Content(" No")
            )

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)
