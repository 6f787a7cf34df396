"""Sequences of symbols: the distance between two, and what many answers are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Symbols = NDArray[np.int64]


def distance(left: Symbols, right: Symbols) -> int:
    """Return how many insertions, deletions and substitutions make one of the other (Levenshtein).

    By rows of the table of Wagner and Fischer (1974, JACM 21); insertions within a row are the
    running minimum of what it costs to come from each place further left.
    """
    places: NDArray[Any] = np.arange(right.size + 1)
    row = places.copy()
    for number, symbol in enumerate(left, 1):
        fresh = np.empty_like(row)
        fresh[0] = number
        fresh[1:] = np.minimum(row[1:] + 1, row[:-1] + (right != symbol))
        row = np.minimum.accumulate(fresh - places) + places
    return int(row[-1])


def sequence_metrics(expected: Sequence[Symbols], found: Sequence[Symbols]) -> dict[str, float]:
    """Return exact_match, the fraction of equal sequences, and cer, the character error rate.

    That is all distances together over the length of all that was expected, which is not 0; it
    exceeds 1 where answers are much too long.
    """
    pairs = list(zip(expected, found, strict=True))
    equal = sum(np.array_equal(right, got) for right, got in pairs)
    apart = sum(distance(right, got) for right, got in pairs)
    return {
        "exact_match": equal / len(pairs),
        "cer": apart / sum(right.size for right in expected),
    }
