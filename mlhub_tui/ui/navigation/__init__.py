"""Navigation in a source: filter queries, matching, lookup, favourites and history."""
