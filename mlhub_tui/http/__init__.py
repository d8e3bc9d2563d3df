"""HTTP/1.1 client of listings and transfers, with its proxies, TLS, credentials and retries."""
