"""Screens of the app, one a file, with their styles beside them."""
