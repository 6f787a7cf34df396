"""All queries of a case together, each launch weighing the same however many queries it has.

Launches take equal time, so a quick one has more queries; counted one by one, they would outvote
the slow launches that a user meets as often.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from results.record import Nanoseconds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """The launches' queries, each launch in ascending order: int64 arrays, shape (queries,) [ns].

    One of n queries in one of L launches weighs 1 / (L · n).
    """

    ordered: tuple[Nanoseconds, ...]

    @classmethod
    def of(cls, launches: Sequence[Nanoseconds]) -> Pool:
        """Return the pool of launches in run order."""
        return cls(ordered=tuple(np.sort(launch) for launch in launches))

    @property
    def size(self) -> Fraction:
        """Return how many queries of equal weight say as much: 1 / Σ weight² (Kish, 1965).

        It is the number of queries where the launches have equally many.
        """
        ones = (Fraction(1, len(launch)) for launch in self.ordered)
        return len(self.ordered) ** 2 / sum(ones, Fraction(0))

    def at(self, share: Fraction) -> int:
        """Return the smallest time [ns] with at least that share of the weight at or below it.

        It is one of the queries, never between two. Weights are added as fractions, so the bound
        is exact.
        """
        least = min(int(launch[0]) for launch in self.ordered)
        greatest = max(int(launch[-1]) for launch in self.ordered)
        times = range(least, greatest + 1)
        return times[bisect_left(times, share, key=self._share_up_to)]

    def _share_up_to(self, time_ns: int) -> Fraction:
        shares = (
            Fraction(int(np.searchsorted(launch, time_ns, side="right")), len(launch))
            for launch in self.ordered
        )
        return sum(shares, Fraction(0)) / len(self.ordered)
