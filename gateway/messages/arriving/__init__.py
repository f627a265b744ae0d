"""What comes in: messages, receipts, changes to earlier messages, and files."""
