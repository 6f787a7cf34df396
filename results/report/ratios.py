"""Ratios and counts of pairs, as reasons and reports spell them."""

from __future__ import annotations

from results.report.units import significant

_SMALL = 0.1


def times(ratio: float) -> str:
    """Return a ratio as `×1.034`, one of very unlike sides as `×0.000412`."""
    return f"×{_plain(ratio)}"


def bounds(low: float, high: float) -> str:
    """Return the bounds of a ratio as `1.028…1.041`."""
    return f"{_plain(low)}…{_plain(high)}"


def _plain(ratio: float) -> str:
    """Return three decimals, or three digits where those would leave too little."""
    return f"{ratio:.3f}" if ratio >= _SMALL else significant(ratio, 3)


def count(pairs: int, kind: str = "") -> str:
    """Return `1 pair` or `5 fresh pairs`."""
    return f"{pairs} {kind}pair{'' if pairs == 1 else 's'}"
