"""Static catalogs: STAC documents over http(s), in a local folder, or in a tar archive.

Nothing is imported here: `place` is wanted by those who need no source.
"""
