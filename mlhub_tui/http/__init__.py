"""HTTP/1.1 client of all transfers; proxies, TLS, credentials and retries are shared with listings."""
