"""Which reasons for a GPU's clock mean that it was throttled; NVML names them."""

from __future__ import annotations

import re

_SETTINGS = frozenset(
    {
        "none",
        "gpuidle",
        "applicationsclockssetting",
        "userdefinedclocks",
        "displayclocksetting",
        "syncboost",
    }
)
"""The reasons of NVML's that are no throttling: nothing to do, or a clock that somebody set."""


def throttles(name: str) -> bool:
    """Return whether a reason holds the clock below what was asked for.

    Names are NVML's, however spelt (`GpuIdle`, `gpu-idle`). What NVML adds one day counts as
    throttling: it is told rather than hidden.
    """
    return re.sub(r"[^a-z]", "", name.lower()) not in _SETTINGS
