"""How long pairs take, for a guess of the time that is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.plan import PROCESS_START_S, WARMUP_WINDOWS_S
from harness.protocol import BLOCK_S, warmup_rule
from results.compare import QUADS
from results.paired import SIDES

if TYPE_CHECKING:
    from collections.abc import Sequence

_BLOCKS = len(SIDES) * (1 + 2 * QUADS)
"""Of each side two a quad, and one that warms it up again."""


def pair_s(device: str) -> float:
    """Return a guess of what a pair takes, for queries that are short beside a block."""
    warmup_s = max(warmup_rule(device).seconds, WARMUP_WINDOWS_S)
    return len(SIDES) * (PROCESS_START_S + warmup_s) + _BLOCKS * BLOCK_S


@dataclass(slots=True)
class Pace:
    """What the pairs of a case took so far; `guess_s` stands for one before there is any."""

    guess_s: float
    pairs: int = 0
    spent_s: float = 0.0

    def took(self, seconds: float) -> None:
        """Take note of a pair."""
        self.pairs += 1
        self.spent_s += seconds

    def left_s(self, pairs: int) -> float:
        """Return a guess of what that many more take."""
        return pairs * (self.spent_s / self.pairs if self.pairs else self.guess_s)


def until_next(looks: Sequence[int], pairs: int) -> int:
    """Return how many pairs there are from `pairs` to the next look; 0 after the last."""
    return next((look - pairs for look in looks if look > pairs), 0)
