"""Datasets over the workers of a Dask cluster, to folders and to whatever fsspec names.

Nothing of `distributed` or `fsspec` is imported before a request asks for a cluster.
"""
