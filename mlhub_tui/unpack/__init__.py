"""Unpacking of archives: into a folder and nowhere else, whatever the archive holds."""
