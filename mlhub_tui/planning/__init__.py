"""The plan of a download: what a dataset consists of, what of it is wanted, and what became of each file."""
