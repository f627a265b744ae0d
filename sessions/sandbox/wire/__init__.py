"""What travels between a client and this WhatsApp: TLS, handshake, frames and stanzas."""
