"""A WhatsApp of our own on loopback, for trying, testing and showing the gateway without a phone."""
