"""The media host and the encryption of what lies on it."""
