"""One person, one contact: whatever addresses WhatsApp uses for them."""
