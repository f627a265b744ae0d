"""What is sent and what arrives: queue, history and log in one table."""
