"""A small HTTP server with faults to order, on real sockets."""
