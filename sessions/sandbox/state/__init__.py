"""Who is on this WhatsApp and what it remembers."""
