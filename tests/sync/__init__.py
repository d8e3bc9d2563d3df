"""The blocking Python API."""
