"""When a message may go: the gate before the engine, its rules, and what they count."""
