"""What `dyno compare` found: two cases side by side, and all in which they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from results.record import Failed
    from results.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The second case over the first; the first plays the baseline.

    `versions` are of each side's Python, numpy and runtime, by role; `differences` are whatever
    else is not equal, one in each line.
    """

    suite: str
    case_a: str
    case_b: str
    threshold: float
    outcome: Verdict | Failed
    differences: tuple[str, ...]
    versions: Mapping[str, Mapping[str, str]]
    environment: Mapping[str, Any]
