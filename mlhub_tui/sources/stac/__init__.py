"""STAC APIs as sources."""
