"""What the Downloads screen knows of transfers beside the transfers themselves; no widgets here."""
