"""What we send, turned into WhatsApp messages: a file per kind of content, all of it pure."""
