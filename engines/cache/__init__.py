"""The engine cache: whole, verified engines by what their bytes depend on; parent-side only."""

DEFAULT_CAP_BYTES = 10 << 30
"""What the engines may take together unless a user says otherwise."""
