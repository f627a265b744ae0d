"""What the daemon may ask of a session and what comes back, a file per area."""
