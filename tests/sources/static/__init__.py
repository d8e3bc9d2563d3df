"""Tests of static catalogs."""
