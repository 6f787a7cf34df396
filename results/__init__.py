"""What came out: stored types, the store, statistics and reports."""
