"""Maps and histograms: the world, footprints and dates in characters."""
