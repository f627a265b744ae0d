"""The `wagate` command."""
