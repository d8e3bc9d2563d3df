"""Previews: images among the assets, drawn in the terminal; each module does one step of it."""
