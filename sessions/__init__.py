"""The WhatsApp side: linked phones, their worker processes and a loopback WhatsApp to try them with."""
