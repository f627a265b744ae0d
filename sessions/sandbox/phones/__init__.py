"""Scripted phones: each is device 0 of its account and does what its owner asks."""
