"""Driver, rendering and dispatch beneath the screens: every touch of private parts of Textual is in here."""
