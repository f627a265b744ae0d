"""Calls that ring: told, kept, and declined where that is wanted."""
