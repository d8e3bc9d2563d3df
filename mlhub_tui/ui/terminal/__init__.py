"""Driver, rendering and dispatch beneath the screens; the private parts of Textual that they touch.

Nothing else of the app touches any. `tests/contracts/test_private_hooks.py` finds each of them in the Textual
that is installed, and fails for one that is not named here, for one that is named and not touched, and on
another minor version.
"""

from __future__ import annotations

TEXTUAL = "8.2"
"""The version whose private parts were read."""

HOOKS = {
    # The driver: a terminal that hangs up, is stopped and resumed, and answers questions of ours.
    "textual._parser": "the parser of keys ends with its error",
    "textual._xterm_parser": "the input thread feeds keys less what are answers",
    "_app": "whether the app ends while the terminal is set up once more",
    "_auto_restart": "SIGCONT after SIGSTOP, which nobody announced",
    "_debug": "passed to the parser of keys",
    "_disable_mouse_support": "the mouse is left to the terminal from a setting",
    "_enable_mouse_support": "likewise",
    "_loop": "signals are acted on between two steps of the event loop",
    "_run_input_thread": "a terminal that is gone ends the app, not the thread alone",
    "_sigcont_application": "as `_auto_restart`",
    "_sigtstp_application": "acted on in the loop, never in the middle of a write",
    "_writer_thread": "whether the terminal is in use at all",
    # The diff renderer: only cells that changed are written.
    "textual._compositor": "updates of a screen, and sizes of widgets that are mounted (resize)",
    "textual._styles_cache": "memoized lines of widgets that are gone are let go",
    "_batch_count": "nothing is written in a batch, which would be taken for shown",
    "_closed": "nothing is written once the app is closed",
    "_display": "the one place where a drawing goes to the terminal",
    "_previous_cursor_position": "the cursor alone may have moved",
    "_running": "nothing is written before and after the app runs",
    # The first paint: styles once, classes of the size before the layout.
    "_classes": "the classes of a size, without a second layout",
    "_compositor": "the regions that a screen draws, those behind dialogs included",
    "_compositor_refresh": "likewise",
    "_css_update_count": "a new mode has the styles of now: Textual styles it, and the app, two more times",
    "_dirty_regions": "likewise",
    "_dom_ready": "style sheets are taken up once until then",
    "_get_breakpoint_classes": "as `_classes`",
    "_layout_required": "as `_screen_resized`",
    "_screen_resized": "a new screen is laid out once, not again for the news of its size",
    "_parse_cache": "each source of rules is parsed once for the colours in use",
    "_register": "screens get a compositor that tells mounted widgets their size (Textual 8.2)",
    "_rules": "whether styles were parsed",
    "_variables": "whether the colours are others",
    # Dispatch: no key, click or action reaches a screen that is not there.
    "textual._context": "the app of this context, where no widget is at hand",
    "_check_bindings": "keys that nothing in front is bound to",
    "_dispatch_action": "actions of widgets that are not there any more",
    "_driver": "the terminal, for what Textual has no method for",
    "_exit": "whether the app ends",
    "_flush_next_callbacks": "what the app does next is not cancelled with a worker that opens a dialog",
    "_forward_event": "keys that came in one packet go the same way",
    "_handle_exception": "an exception that nothing caught is reported by us",
    "_message_loop_exit": "keys that were with the widgets of a screen are sent on once it is gone",
    "_on_message": "what comes late for a screen that is closed",
    "_pruning": "whether a widget is being taken down",
    "_screen_stacks": "the screens of modes that are not in front",
    "_stop_propagation": "whether a widget took a key",
    "_scroll_update": "another size of what is scrolled over, without a layout",
    "_update_auto_focus": "the focus of a screen that was composed late",
}
