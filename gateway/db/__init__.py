"""The store's plumbing; no table of the domain lives here."""
