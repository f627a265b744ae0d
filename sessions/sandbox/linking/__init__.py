"""How a connection becomes a linked device: login, QR code, link code, passkey."""
