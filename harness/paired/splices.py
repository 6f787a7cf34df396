"""A new side measured against the baseline that it shall replace: the splices of its cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from results.baseline import Splice
from results.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from results.verdict import CaseVerdict


def splices(cases: Sequence[CaseVerdict]) -> Mapping[str, Splice]:
    """Return the splice of each case that has a ratio, however wide its interval."""
    return {
        case.case_id: Splice(log_ratio=outcome.estimate.log_ratio, se=outcome.estimate.se)
        for case in cases
        if isinstance(outcome := case.outcome, Verdict) and outcome.estimate is not None
    }
