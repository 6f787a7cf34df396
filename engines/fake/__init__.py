"""What the backend `fake` simulates."""
