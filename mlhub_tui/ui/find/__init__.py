"""Finding one's way in a tree: what matches a filter, facets, going to an id, favourites, where one was."""
