"""The question at the end while transfers run: quit, go on in the background, or stay."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ..dispatch import Dialog
from ..draw import content

Answer = Literal["quit", "background", "stay"]


class LeaveScreen(Dialog[Answer]):
    """Asks; `y` or Enter quits, `b` hands the transfers over, `n` or Esc stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer('quit')", "quit", show=False),
        Binding("b", "answer('background')", "background", show=False),
        Binding("n,escape,q", "answer('stay')", "stay", show=False),
    ]

    def __init__(self, transfers: int) -> None:
        super().__init__()
        self._transfers = transfers

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            words = f"{self._transfers} transfer{'s are' if self._transfers > 1 else ' is'} running."
            yield Static(content(words, "bold"))
            yield Static(content("What was fetched is kept, and the rest goes on at the next start."))
            yield Static(content("In the background it goes on now, without a terminal."))
            answers = Content("\n")
            for key, words in (("y", "Quit"), ("b", "Background"), ("n", "Stay")):
                answers = answers.append_text(key, "bold $accent").append_text(f" {words}    ")
            yield Static(answers)

    def action_answer(self, answer: Answer) -> None:
        """Close with the answer."""
        self.dismiss(answer)
