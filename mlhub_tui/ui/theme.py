"""The looks: calm dark and light ones, and one of the terminal's own 16 colours."""

from __future__ import annotations

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

DARK = Theme(
    name="mlhub-dark",
    primary="#87afd7",
    secondary="#9bbb6c",
    accent="#e6c384",
    foreground="#dcd7ba",
    background="#16161d",
    surface="#1f1f28",
    panel="#272730",
    success="#9bbb6c",
    warning="#ffa066",
    error="#ff8787",
    dark=True,
    variables={"primary-muted": "#2d4f67", "muted": "#a3a297", "line": "#363646"},
)

LIGHT = Theme(
    name="mlhub-light",
    primary="#005f87",
    secondary="#4d6a00",
    accent="#7f5300",
    foreground="#24242c",
    background="#fbfaf4",
    surface="#f4f3ee",
    panel="#ebebe8",
    success="#3f6a00",
    warning="#9a4a00",
    error="#b3263a",
    dark=False,
    variables={"primary-muted": "#bcd6e0", "muted": "#605f57", "line": "#d5d0bf"},
)

PLAIN = replace(
    BUILTIN_THEMES["ansi-dark"],
    name="mlhub-plain",
    primary="ansi_cyan",
    secondary="ansi_green",
    accent="ansi_yellow",
    variables={
        **BUILTIN_THEMES["ansi-dark"].variables,
        "primary-muted": "ansi_blue",
        "muted": "ansi_default",
        "line": "ansi_default",
    },
)

PAINTED = replace(
    PLAIN,
    name="mlhub-16",
    foreground="ansi_white",
    background="ansi_black",
    surface="ansi_black",
    panel="ansi_black",
    boost="ansi_black",
    variables={**PLAIN.variables, "muted": "ansi_white", "line": "ansi_white"},
)
"""For terminals that promise 16 colours and may be dark or light: yellow on white is not read."""


def theme_names() -> list[str]:
    """Return the names of all themes, our own first."""
    return [*(theme.name for theme in (DARK, LIGHT, PLAIN)), *sorted(BUILTIN_THEMES)]
