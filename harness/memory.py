"""This process's resident memory, from Linux's /proc; None where that is not told."""

from __future__ import annotations

from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


def rss_bytes() -> int | None:
    """Return the resident set size now."""
    return _field("VmRSS")


def peak_rss_bytes() -> int | None:
    """Return the highest resident set size since the start or the last reset."""
    return _field("VmHWM")


def reset_peak_rss() -> None:
    """Forget the peak so far, where the kernel lets a process do so (proc(5), clear_refs)."""
    try:
        _CLEAR_REFS.write_text(_RESET_PEAK, encoding="ascii")
    except OSError:
        return


def _field(name: str) -> int | None:
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith(f"{name}:")), None)
    return int(found.split()[1]) * 1024 if found else None
