"""Where and when: the map of the world, shapes in dots, and extents in words. Nothing here knows a screen."""
