"""What keeps a store in order: merging, pruning, verifying, exporting."""
