"""Modal screens, a dialog or a few of one subject in each module."""
