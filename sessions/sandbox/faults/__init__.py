"""What can be made to go wrong, and what is wrong right now."""
