"""Assets as downloads: which there are, what is wanted of them, where they stand on disk."""
