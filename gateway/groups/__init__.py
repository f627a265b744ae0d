"""Group chats and communities: what they are called, who is in them, and what may be done with them."""
