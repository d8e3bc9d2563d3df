"""Real STAC servers, not mocks: what the sources and the app do with them."""
