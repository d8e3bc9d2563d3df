"""Tests of the sample catalog."""
