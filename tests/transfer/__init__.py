"""Tests of the transfer engine: files on disk, and the requests that a server on loopback sees."""
