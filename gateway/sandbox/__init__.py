"""`wagate sandbox`: the loopback WhatsApp and a gateway joined to it, each a process of its own."""
