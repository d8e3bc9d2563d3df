"""Tests of unpacking."""
