"""Sheets: what is shown of a document, as blocks that fit any width."""
