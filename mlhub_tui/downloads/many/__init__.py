"""Many small files: a connection for each slot, bodies in memory, disk work in batches beside them."""
