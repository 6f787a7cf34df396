"""What about this machine disturbs numbers, how much, and what mends it."""
