"""The engine cache: whole, verified engines by what their bytes depend on; parent-side only."""
