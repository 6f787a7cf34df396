"""A verdict in words: its ratio, its interval, what it was found in, on one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from results.record import Failed
from results.report.ratios import bounds, count, times
from results.report.wording import one_line, sentence, sentences
from results.verdict import (
    FASTER,
    INCOMPARABLE,
    SAME,
    SLOWER,
    UNSURE,
    CaseVerdict,
    Confirmation,
    Estimate,
    Verdict,
)

FAILED = "FAILED"
ORDER = (SLOWER, FAILED, UNSURE, FASTER, INCOMPARABLE, SAME)
"""What asks for the most attention comes first."""
STYLES = {SLOWER: "bold red", FAILED: "red", UNSURE: "yellow", FASTER: "green", INCOMPARABLE: "dim"}
_TOLD_BY_RATIO = (SLOWER, FASTER, SAME)


def word(case: CaseVerdict) -> str:
    """Return the verdict's word, or FAILED."""
    return FAILED if isinstance(case.outcome, Failed) else case.outcome.word


def ordered(cases: Sequence[CaseVerdict]) -> tuple[CaseVerdict, ...]:
    """Return the cases by word, those of a word as they were."""
    return tuple(sorted(cases, key=lambda case: ORDER.index(word(case))))


def counts(cases: Sequence[CaseVerdict]) -> Mapping[str, int]:
    """Return how many cases have each word, of all words in their order."""
    found = Counter(map(word, cases))
    return {name: found[name] for name in ORDER}


def tally(cases: Sequence[CaseVerdict]) -> str:
    """Return `1 SLOWER, 2 UNSURE`, without what there is none of."""
    told = [f"{count} {name}" for name, count in counts(cases).items() if count]
    return ", ".join(told) if told else "no cases"


def measured(estimate: Estimate) -> str:
    """Return `×1.034 (1.028…1.041)  5 pairs`."""
    interval = bounds(estimate.low, estimate.high)
    return f"{times(estimate.ratio)} ({interval})  {count(estimate.pairs)}"


def remark(outcome: Verdict | Failed) -> str:
    """Return what makes a ratio surer or stranger than it looks: confirmed, shifted, or nothing."""
    match outcome:
        case Verdict(confirmation=Confirmation(confirmed=True, estimate=estimate)):
            return f"confirmed {times(estimate.ratio)}"
        case Verdict(word=word, shifted=True) if word == SAME:
            return "shifted"
    return ""


def told(case: CaseVerdict) -> str:
    """Return what stands behind the case's id: the numbers, or why there is no verdict on them."""
    outcome = case.outcome
    if isinstance(outcome, Failed):
        return sentences(outcome.message, outcome.hint)
    if outcome.word in _TOLD_BY_RATIO and outcome.estimate is not None:
        return ", ".join(filter(None, (measured(outcome.estimate), remark(outcome))))
    return one_line(outcome.reason)


def label(case: CaseVerdict) -> str:
    """Return the word, of a failure with its kind."""
    outcome = case.outcome
    return f"{FAILED} ({outcome.kind})" if isinstance(outcome, Failed) else outcome.word


def verdict_line(case: CaseVerdict) -> str:
    """Return the case and its verdict on one line."""
    return f"{label(case)}  {one_line(case.case_id)}  {told(case)}"


def stories(case: CaseVerdict) -> Iterator[tuple[str, str]]:
    """Yield what there is to say of a case beside its numbers: how it ended and why, its notes."""
    outcome = case.outcome
    if isinstance(outcome, Failed):
        yield label(case), sentences(outcome.message, outcome.hint)
        return
    if outcome.reason:
        yield outcome.word, sentence(outcome.reason)
    yield from (("note", sentence(note)) for note in outcome.notes)
