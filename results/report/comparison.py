"""A comparison of two cases, for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from results.codec import plain
from results.report.body import Body
from results.report.content import Content
from results.report.ratios import times
from results.report.verdict_json import case_fields, dumped
from results.report.verdict_words import label
from results.report.verdicts import table
from results.verdict import FASTER, SAME, SLOWER, CaseVerdict, Verdict

if TYPE_CHECKING:
    from results.comparison import Comparison
    from results.record import Failed

SCHEMA = 1
"""Goes up when a key changes its meaning or goes away, not when one is added."""
RULE = (
    "A plays the baseline, B the candidate: ×1.030 says that B takes 3 % longer, with 95 % "
    "intervals over fresh pairs. Times are of this hour and not to be held against another's."
)
_ROW = "B over A"


def content(found: Comparison, machine: str) -> Content:
    """Return all that is said of the comparison; `machine` is one line."""
    case = _case(found)
    has_numbers = isinstance(case.outcome, Verdict) and case.outcome.estimate is not None
    body = Body(
        tables=(table([case], title="verdict"),),
        notes=(),
        has_numbers=has_numbers,
        interval_rule=RULE,
    )
    return Content(
        heading=tuple(_heading(found, machine)),
        bodies=(body,),
        warnings=(),
        closing=(_closing(found.outcome),),
    )


def text(found: Comparison, *, exit_code: int) -> str:
    """Return the comparison as one JSON object, its keys in a fixed order."""
    made = {
        "schema": SCHEMA,
        "suite": found.suite,
        "case_a": found.case_a,
        "case_b": found.case_b,
        "threshold": found.threshold,
        "differences": list(found.differences),
        "versions": plain(found.versions),
        "environment": plain(found.environment),
        "exit_code": exit_code,
        **{name: value for name, value in case_fields(_case(found)).items() if name != "position"},
    }
    return dumped(made)


def _case(found: Comparison) -> CaseVerdict:
    return CaseVerdict(position=0, case_id=_ROW, outcome=found.outcome)


def _heading(found: Comparison, machine: str) -> Iterator[tuple[str, str]]:
    yield "suite", found.suite
    yield "A", found.case_a
    yield "B", found.case_b
    there, here = found.versions.values()
    unlike = [
        f"{name} {there.get(name, 'none')} against {here.get(name, 'none')}"
        for name in {**there, **here}
        if there.get(name) != here.get(name)
    ]
    differing = [*found.differences, *unlike]
    if differing or isinstance(found.outcome, Verdict):
        yield "differ in", "; ".join(differing) if differing else "nothing"
    yield "machine", machine


def _closing(outcome: Verdict | Failed) -> str:
    """Return the verdict as a sentence."""
    if not isinstance(outcome, Verdict):
        return f"{label(CaseVerdict(position=0, case_id=_ROW, outcome=outcome))}."
    if outcome.estimate is None or outcome.word not in (SLOWER, FASTER, SAME):
        return f"B against A is {outcome.word}."
    the = "the " if outcome.word == SAME else ""
    return f"B is {the}{outcome.word}: it takes {times(outcome.estimate.ratio)} the time of A."
