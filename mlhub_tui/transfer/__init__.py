"""The transfer engine: one file over parallel ranges, or many small ones, to a folder or an object store."""
