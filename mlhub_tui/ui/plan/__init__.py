"""The plan of a download: what is selected, its counts and pictures."""
