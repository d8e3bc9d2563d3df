"""Async clients of the places data comes from; each is a `Source`."""
