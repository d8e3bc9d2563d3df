"""Static catalogs: STAC documents over http(s), in a local folder, or in a tar archive."""
