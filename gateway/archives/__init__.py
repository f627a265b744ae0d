"""Sealed files that leave this host: backups and moved sessions."""
