"""Baselines: a pinned side, whose files and versions are the same every night."""
