"""Back up and restore: everything a gateway holds, in one sealed file."""
