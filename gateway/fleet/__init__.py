"""Linked phones: their records, what should run, how they are paired, and what they report."""
