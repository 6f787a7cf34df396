"""Numbers for people: three significant digits, one unit a column, decimal points under another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MISSING = "—"

Scale = tuple[tuple[str, float], ...]
TIMES: Scale = (("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9))
RATES: Scale = (("/s", 1.0), ("k/s", 1e3), ("M/s", 1e6), ("G/s", 1e9))
BYTES: Scale = (("B", 1.0), ("KiB", 2.0**10), ("MiB", 2.0**20), ("GiB", 2.0**30))
PERCENT: Scale = (("%", 1.0),)
FLOPS: Scale = tuple((f"{p}FLOP", f) for p, f in (("", 1.0), ("k", 1e3), ("M", 1e6), ("G", 1e9)))
FLOP_RATES: Scale = (("MFLOP/s", 1e6), ("GFLOP/s", 1e9), ("TFLOP/s", 1e12))
BYTE_RATES: Scale = (("MB/s", 1e6), ("GB/s", 1e9))
INTENSITY: Scale = (("FLOP/B", 1.0),)
TIMES_FP32: Scale = (("× fp32", 1.0),)
POINTS: Scale = (("pp", 1.0),)
DECIBELS: Scale = (("dB", 1.0),)
WATTS: Scale = (("W", 1.0),)
ENERGY: Scale = (("µJ/sample", 1e-6), ("mJ/sample", 1e-3), ("J/sample", 1.0))
MEGAHERTZ: Scale = (("MHz", 1.0),)
CELSIUS: Scale = (("°C", 1.0),)

_MOST = 1e5
"""A column whose greatest number would reach this in its smallest one's unit takes the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """A column of numbers: the unit of all, and the cells, equally wide."""

    unit: str
    cells: tuple[str, ...]


def scaled(
    values: Sequence[float | None],
    scale: Scale,
    *,
    gaps: Sequence[str] = (),
    span: Sequence[float] = (),
    digits: int = 3,
) -> Scaled:
    """Return the values in one unit of the scale, aligned.

    A None is the word that `gaps` has in its place, a dash where there are no gaps. `span` are
    the values of all columns that share the unit, where it is not this column's alone.
    """
    words = gaps or [MISSING] * len(values)
    present = [value for value in values if value is not None]
    unit, factor = _unit((span or present) if present else (), scale)
    texts = [
        word if value is None else significant(value / factor, digits)
        for value, word in zip(values, words, strict=True)
    ]
    return Scaled(unit=unit, cells=aligned(texts))


def significant(value: float, digits: int = 3) -> str:
    """Return the value rounded to that many significant digits, never with an exponent."""
    if value == 0:
        return "0"
    rounded = round(value, digits - 1 - math.floor(math.log10(abs(value))))
    decimals = max(digits - 1 - math.floor(math.log10(abs(rounded))), 0)
    return f"{rounded:.{decimals}f}"


def aligned(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the texts padded to one width, with their decimal points under one another.

    A text without one, words included, ends where the points are.
    """
    tails = [len(text) - len(text.partition(".")[0]) for text in texts]
    longest = max(tails, default=0)
    padded = [text + " " * (longest - tail) for text, tail in zip(texts, tails, strict=True)]
    width = max((len(text) for text in padded), default=0)
    return tuple(text.rjust(width) for text in padded)


def duration(nanoseconds: float) -> str:
    """Return a time in the unit that suits it, such as `80.3 µs`; minutes and hours from two on."""
    minutes = nanoseconds / 60e9
    if minutes >= 120:
        return f"{significant(minutes / 60)} h"
    if minutes >= 2:
        return f"{significant(minutes)} min"
    return _in_unit(nanoseconds, TIMES)


def size(count: float) -> str:
    """Return a number of bytes in the unit that suits it, such as `12.5 MiB`."""
    return _in_unit(count, BYTES)


def fraction(value: float) -> str:
    """Return a fraction in per cent with two significant digits: 0.0123 is `1.2 %`."""
    return f"{significant(100 * value, 2)} %"


def _in_unit(value: float, scale: Scale) -> str:
    unit, factor = _unit([value], scale)
    return f"{significant(value / factor)} {unit}"


def _unit(values: Sequence[float], scale: Scale) -> tuple[str, float]:
    """Return the greatest unit in which no number falls below 1, or a greater one if they sprawl.

    Zeros have no say; no value has no unit. Rounding has one: 999.9 of the smaller unit would
    read 1000, so it is 1.00 of the greater.
    """
    if not values:
        return "", 1.0
    sizes = [abs(value) for value in values if value] or [0.0]
    fitting = [entry for entry in scale if min(sizes) * 1.0005 >= entry[1]] or [scale[0]]
    place = scale.index(fitting[-1])
    while place + 1 < len(scale) and max(sizes) / scale[place][1] >= _MOST:
        place += 1
    return scale[place]
