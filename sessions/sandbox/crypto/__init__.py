"""Curve25519, signatures and ciphers that the wire, linking and Signal share."""
