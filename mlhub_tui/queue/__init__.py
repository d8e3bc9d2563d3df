"""The download queue: what to fetch, what is fetched, and the engine that fetches it. No Textual here."""
