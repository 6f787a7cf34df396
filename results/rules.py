"""The numbers behind a summary's notes, and the version of all rules together."""

from __future__ import annotations

STATISTICS_VERSION = 3
"""Goes up whenever a summary of the same launches would change; stored ones are then rebuilt."""
LAUNCHES = 5
"""Fewer fresh launches than these sample too little of what differs between processes."""
WARM_UP_BLOCKS = 8
"""Fewer blocks of warm-up cannot be judged: steady state compares four with the four before."""
UNDISTURBED_CPU = 0.97
"""A block of a single thread in which it had less than this share of a CPU was disturbed."""
OWN_TIME_SHARE = 0.5
"""Launches that took a larger share of the time from the first to the last had too little between:
intervals of consecutive ones covered 40 %, of every tenth 79 %, of every twentieth 98 %."""
DISTURBED_SHARE = 0.10
"""A case is noted as disturbed where a larger share of its blocks was."""
ENQUEUE_BOUND = 0.8
"""Where enqueueing takes a larger share of the GPU compute time, the host may limit the rate."""
