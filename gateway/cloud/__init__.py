"""The gateway as a program written for Meta's Cloud API wants to find it."""
