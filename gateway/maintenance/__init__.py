"""Chores: what must be done now and then so that the gateway can run for years."""
