"""What is to be sent: the queue, its order, and what came of each try."""
