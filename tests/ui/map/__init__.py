"""Tests of the map, and of places and times in words."""
