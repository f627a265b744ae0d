"""What clients ask the service (iq stanzas): one file per namespace."""
