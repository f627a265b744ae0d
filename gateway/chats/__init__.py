"""Threads with a person or a group, one per session."""
