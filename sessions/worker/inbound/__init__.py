"""What the engine reports, turned into our events: a file per kind of event."""
