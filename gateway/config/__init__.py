"""What the operator may set: in ``config.toml`` and in the environment."""
