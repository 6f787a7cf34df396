"""TensorRT's timing cache: what a builder measured, kept for the next build on such a device."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engines.trt.kept import keep, kept

if TYPE_CHECKING:
    from pathlib import Path

    from engines.contract import Device, Site


def timing_cache_path(trt: Any, site: Site) -> Path:
    """Return the file for the site's device and this version."""
    return site.scratch / f"timing-{identity(trt, site.device)}"


def identity(trt: Any, device: Device) -> str:
    """Return compute capability, driver and version as part of a file's name."""
    return re.sub(r"[^\w.]+", "-", f"{device.sm}-{device.driver}-{trt.__version__}")


def attach(trt: Any, config: Any, site: Site) -> bool:
    """Give the builder what earlier builds measured; one that is refused is left out.

    Returns whether a cache from earlier was taken.
    """
    stored = kept(timing_cache_path(trt, site))
    for data in (stored, b"") if stored else (b"",):
        cache = config.create_timing_cache(data)
        if cache is not None and config.set_timing_cache(cache, False):
            return bool(data)
    return False


def store(trt: Any, config: Any, site: Site) -> None:
    """Keep what the builder measured, and what it had before."""
    cache = config.get_timing_cache()
    if cache is not None:
        keep(timing_cache_path(trt, site), memoryview(cache.serialize()))
