"""The numbers behind a summary's notes, and the version of all rules together."""

from __future__ import annotations

STATISTICS_VERSION = 1
"""Goes up whenever a summary of the same launches would change; stored ones are then rebuilt."""
LAUNCHES = 5
"""Fewer fresh launches than these sample too little of what differs between processes."""
UNDISTURBED_CPU = 0.97
"""A block of a single thread in which it had less than this share of a CPU was disturbed."""
DISTURBED_SHARE = 0.10
"""A case is noted as disturbed where a larger share of its blocks was."""
