"""The linked account as others see it: profile, privacy, blocked people; and what other people tell of themselves."""
