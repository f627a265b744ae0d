"""What of WhatsApp can be done through the gateway, and how that is proven."""
