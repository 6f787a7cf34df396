"""What a comparison of two sides came to: a ratio, how sure it is, and a word with its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.record import Failed
    from results.summary import TooFewQueries

SLOWER = "SLOWER"
FASTER = "FASTER"
SAME = "SAME"
UNSURE = "UNSURE"
INCOMPARABLE = "INCOMPARABLE"
WORDS = (SLOWER, FASTER, SAME, UNSURE, INCOMPARABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRatio:
    """What one pair says: log of candidate over baseline, its standard error within the pair.

    `usable` is False where the pair was too disturbed, or too noisy, to count.
    """

    log_ratio: float
    se: float
    quads: int
    clean_quads: int
    usable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What pairs say together: a log ratio, its standard error and degrees of freedom.

    `low` and `high` bound the ratio (1.03 = 3 % slower) with 95 % confidence.
    """

    log_ratio: float
    se: float
    df: float
    pairs: int
    low: float
    high: float

    @property
    def ratio(self) -> float:
        """Return the candidate's time over the baseline's."""
        return math.exp(self.log_ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class TailRatio:
    """Candidate over baseline at a percentile, with the 95 % t-interval over the pairs.

    Reported, never gated. The bounds are None with fewer than two pairs.
    """

    ratio: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What fresh pairs said of a change; `p_value` is one-sided, towards the change."""

    confirmed: bool
    estimate: Estimate
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The word for a case, and why. A ratio is candidate over baseline.

    `p_value` is one-sided, towards the side of 1 on which the ratio lies. `shifted` says of SAME
    that its interval leaves 1 out. `disturbed_share` is None where nothing tells. `baseline_ns` and
    `candidate_ns` are geometric means of the launches' block medians: of this hour, not to be
    compared with another's.
    """

    word: str
    reason: str
    estimate: Estimate | None = None
    p_value: float | None = None
    shifted: bool = False
    disturbed_share: float | None = None
    p95: TailRatio | TooFewQueries | None = None
    p99: TailRatio | TooFewQueries | None = None
    confirmation: Confirmation | None = None
    baseline_ns: float | None = None
    candidate_ns: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseVerdict:
    """A case of a gate and what came of it; a failure's message names the side that failed."""

    position: int
    case_id: str
    outcome: Verdict | Failed
