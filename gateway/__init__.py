"""The daemon: HTTP API, store and CRM around the WhatsApp sessions."""

__version__ = "0.1.0"
