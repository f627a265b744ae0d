"""Recurring messages: rules with time zones, due rows of our own, and an ordinary message for every run."""
