"""What the service carries between devices, and what it answers to their queries."""
