"""The child process that holds sessions: the only folder that names neonize, and nothing imports it."""
