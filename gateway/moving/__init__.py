"""Moves a linked phone to another gateway without pairing again."""
