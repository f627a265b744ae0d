"""Organizations: whose data a row is."""
