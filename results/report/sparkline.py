"""A series as a row of block characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = "·"
LEAST_SPAN = math.log(1.01)
"""The row reaches so far to both sides at least: noise must not look like a mountain."""


def sparkline(values: Sequence[float], *, around: float) -> str:
    """Return a character a value, higher for greater, with a dot for NaN.

    The row reaches from the least to the greatest of them, and `LEAST_SPAN` around its middle.
    """
    known = [value for value in values if math.isfinite(value)]
    low, high = min([around - LEAST_SPAN, *known]), max([around + LEAST_SPAN, *known])
    scale = len(BLOCKS) / (high - low)
    top = len(BLOCKS) - 1
    return "".join(
        BLOCKS[min(int((value - low) * scale), top)] if math.isfinite(value) else GAP
        for value in values
    )
