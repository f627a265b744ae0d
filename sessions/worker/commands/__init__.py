"""Carries out the daemon's commands on one session, a file per area."""
