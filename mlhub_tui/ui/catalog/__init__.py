"""The catalog tree: listings, model, filter and widget."""
