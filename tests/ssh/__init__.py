"""Tests of the app at the far end of a real SSH line."""
