"""Previews: image assets drawn in the terminal."""
