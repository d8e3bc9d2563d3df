"""Changes of one operator, constant or condition at a time, and whether the tests notice."""
