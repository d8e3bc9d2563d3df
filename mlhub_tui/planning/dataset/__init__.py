"""The job of a dataset: its request, its plan, one try at it, and the list of its files."""
