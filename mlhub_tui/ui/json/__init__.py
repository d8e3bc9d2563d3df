"""JSON of a document on the screen: lines that fold, and the search in them."""
