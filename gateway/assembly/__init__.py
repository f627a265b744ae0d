"""Builds every part of the gateway by constructor, each from those that stand before it. Nothing is started here."""
