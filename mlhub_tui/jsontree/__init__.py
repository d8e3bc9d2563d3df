"""A JSON document as lines that fold and can be searched; nothing of it is copied."""
