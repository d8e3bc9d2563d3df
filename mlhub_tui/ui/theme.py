"""The looks: calm dark and light ones, and one of the terminal's own 16 colours."""

from __future__ import annotations

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

DARK = Theme(
    name="mlhub-dark",
    primary="#7fb4ca",
    secondary="#98bb6c",
    accent="#e6c384",
    foreground="#dcd7ba",
    background="#16161d",
    surface="#1f1f28",
    panel="#223249",
    success="#98bb6c",
    warning="#ffa066",
    error="#e46876",
    dark=True,
    variables={"primary-muted": "#2d4f67", "muted": "#8a8980", "line": "#363646"},
)

LIGHT = Theme(
    name="mlhub-light",
    primary="#2f6f8f",
    secondary="#5a7a2b",
    accent="#8a5a00",
    foreground="#24242c",
    background="#fbfaf4",
    surface="#f1efe5",
    panel="#dfe6e8",
    success="#4b7a1e",
    warning="#a85400",
    error="#b3263a",
    dark=False,
    variables={"primary-muted": "#bcd6e0", "muted": "#6c6a60", "line": "#d5d0bf"},
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
