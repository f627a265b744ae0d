"""Channels: those that a linked account owns or follows, and what is published there."""
