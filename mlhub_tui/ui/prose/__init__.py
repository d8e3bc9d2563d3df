"""Markdown as text of a terminal: read as CommonMark, set for a width; no markup gets through."""
