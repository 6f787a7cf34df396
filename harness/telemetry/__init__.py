"""What a device tells of itself: around launches, and all through a pass of its own."""
