"""Finds messages, contacts and chats by their words."""
