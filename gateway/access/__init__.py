"""Who may call: users and their sign-ins, API keys."""
