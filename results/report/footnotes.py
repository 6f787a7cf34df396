"""What a reader must know about a number, in words: the rule that raised the note, and whom it hit.

A case is called by `#` and its place in the suite, as in the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from results.record import CaseResult, Measured, RunResult
from results.report import device_notes
from results.report.identity import case_numbers
from results.report.units import fraction
from results.report.wording import one_line, sentence
from results.rules import (
    DISTURBED_SHARE,
    LAUNCHES,
    STATISTICS_VERSION,
    UNDISTURBED_CPU,
    WARM_UP_BLOCKS,
)
from results.summary import Percentile, Summary, TooFewQueries

Shown = Sequence[tuple[CaseResult, Summary]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Footnote:
    """A rule and the cases it hit: their place in the suite, from 0, and their own figures."""

    number: int
    rule: str
    hits: tuple[tuple[int, str], ...]

    @property
    def text(self) -> str:
        """Return the note; cases with the same figures stand together."""
        groups: dict[str, list[int]] = {}
        for position, figures in self.hits:
            groups.setdefault(figures, []).append(position)
        parts = [
            f"{case_numbers(positions)}: {figures}" if figures else case_numbers(positions)
            for figures, positions in groups.items()
        ]
        return f"{self.rule} {'; '.join(parts)}."


def tails(cases: Shown) -> tuple[str, ...]:
    """Return the fields of the percentiles to show: p99.9 only where a case has it."""
    present = any(
        summary.latency is not None and isinstance(summary.latency.p99_9, Percentile)
        for _, summary in cases
    )
    return ("p90", "p95", "p99", "p99_9") if present else ("p90", "p95", "p99")


def footnotes(cases: Shown) -> tuple[Footnote, ...]:
    """Return the notes on the measured cases, numbered from 1."""
    found: dict[str, list[tuple[int, str]]] = {}
    for rules in (_few_queries(cases), *(_each(cases, rule) for rule in _RULES)):
        for rule, position, figures in rules:
            found.setdefault(rule, []).append((position, figures))
    return tuple(
        Footnote(number=number, rule=rule, hits=tuple(hits))
        for number, (rule, hits) in enumerate(found.items(), 1)
    )


def marks(notes: Sequence[Footnote]) -> Mapping[int, str]:
    """Return the numbers of each case's notes by its position, such as `1 3`."""
    numbers: dict[int, list[str]] = {}
    for note in notes:
        for position in dict.fromkeys(position for position, _ in note.hits):
            numbers.setdefault(position, []).append(str(note.number))
    return {position: " ".join(found) for position, found in numbers.items()}


def machine_notes(run: RunResult) -> tuple[str, ...]:
    """Return what `dyno doctor` warned of when the run began or was resumed, a note a check.

    Runs stored before there was a doctor have none.
    """
    warned: dict[str, str] = {}
    environments = (run.record.environment, *(resume.environment for resume in run.resumes))
    for environment in environments:
        for found in environment.get("doctor", ()):
            if found["level"] == "warning":
                text = sentence(f"Machine, {found['id']}: {found['finding']}")
                warned.setdefault(found["id"], f"{text} {sentence(found['effect'])}")
    notes = tuple(warned.values())
    return (*notes[:-1], f"{notes[-1]} What to do: dyno doctor.") if notes else ()


def _few_queries(cases: Shown) -> Iterator[tuple[str, int, str]]:
    fields = tails(cases)
    lacking = {
        case.record.position: {
            field: percentile
            for field in fields
            if isinstance(percentile := getattr(summary.latency, field, None), TooFewQueries)
        }
        for case, summary in cases
    }
    needs = {field: p.need for found in lacking.values() for field, p in found.items()}
    listed = ", ".join(f"{needs[field]} for {_spell(field)}" for field in fields if field in needs)
    rule = f"Not enough queries (slow ones in a row count less): a 95 % interval needs {listed}."
    for position, found in lacking.items():
        if found:
            yield rule, position, _had(found)


def _had(found: Mapping[str, TooFewQueries]) -> str:
    """Return the queries there are, such as `60 for p95 and p99, 1200 for p99.9`."""
    groups: dict[int, list[str]] = {}
    for field, percentile in found.items():
        groups.setdefault(percentile.have, []).append(_spell(field))
    return ", ".join(f"{have} for {' and '.join(names)}" for have, names in groups.items())


def _few_launches(_: CaseResult, summary: Summary) -> Iterator[tuple[str, str]]:
    if "few-launches" in summary.notes:
        rule = f"Fewer than {LAUNCHES} launches: too few fresh processes for a sure interval."
        yield rule, f"{summary.launches} launch{'es' if summary.launches > 1 else ''}"


def _consecutive(_: CaseResult, summary: Summary) -> Iterator[tuple[str, str]]:
    if "consecutive" in summary.notes and summary.own_time_share is not None:
        rule = (
            "Consecutive launches: the case's own filled more than half of the time from its first "
            "to its last, so the interval may be too narrow. Put more cases into the run."
        )
        yield rule, f"{fraction(summary.own_time_share)} of the time"


def _levels(_: CaseResult, summary: Summary) -> Iterator[tuple[str, str]]:
    if "levels" in summary.notes:
        rule = (
            "The launches differ in level: p50 is their geometric mean, p90 and up are over all "
            "queries."
        )
        yield rule, ""


def _no_steady_state(_: CaseResult, summary: Summary) -> Iterator[tuple[str, str]]:
    if "no-steady-state" in summary.notes and summary.steady_share is not None:
        cap_s = summary.protocol.warmup_cap_s
        rule = f"No steady state: block medians still moved at the warm-up's cap of {cap_s:g} s."
        yield rule, f"{fraction(1 - summary.steady_share)} of launches"


def _warm_up_not_judged(_: CaseResult, summary: Summary) -> Iterator[tuple[str, str]]:
    if "warm-up-not-judged" in summary.notes:
        cap_s = summary.protocol.warmup_cap_s
        rule = (
            f"Warm-up not judged: queries are too slow for {WARM_UP_BLOCKS} blocks within its cap "
            f"of {cap_s:g} s."
        )
        yield rule, ""


def _wide_interval(case: CaseResult, summary: Summary) -> Iterator[tuple[str, str]]:
    if "wide-interval" in summary.notes:
        target = f"{100 * summary.protocol.target:g} %"
        stopped = case.outcome.stopped_by if isinstance(case.outcome, Measured) else ""
        what = "p50" if summary.latency is not None else "the time per query"
        rule = f"Wider than the target: the interval of {what} exceeds ± {target}."
        yield rule, _CAPS.get(stopped, "")


def _disturbed(_: CaseResult, summary: Summary) -> Iterator[tuple[str, str]]:
    if "disturbed" in summary.notes and summary.load.disturbed_share is not None:
        rule = (
            f"Disturbed: in more than {100 * DISTURBED_SHARE:g} % of the timed blocks the thread "
            f"had less than {100 * UNDISTURBED_CPU:g} % of a CPU."
        )
        yield rule, f"{fraction(summary.load.disturbed_share)} of blocks"


def _precision(case: CaseResult, summary: Summary) -> Iterator[tuple[str, str]]:
    if "precision" in summary.notes:
        asked = case.record.case.precision
        yield "Ran in another precision than asked.", f"{asked} asked, {summary.precision} ran"


def _cache_damage(case: CaseResult, _: Summary) -> Iterator[tuple[str, str]]:
    if damage := case.record.facts.get("cache_damage"):
        yield "The engine was in the cache but damaged, and was built anew.", one_line(str(damage))


def _older_statistics(_: CaseResult, summary: Summary) -> Iterator[tuple[str, str]]:
    if "older-statistics" in summary.notes:
        rule = (
            "By older rules: the raw timings were pruned, so this cannot be computed by version "
            f"{STATISTICS_VERSION} of the statistics."
        )
        yield rule, f"version {summary.statistics_version}"


def _remarks(_: CaseResult, summary: Summary) -> Iterator[tuple[str, str]]:
    for remark in summary.remarks:
        yield "What the engine says of itself.", one_line(remark).removesuffix(".")


_CAPS = {
    "launches": "stopped by the cap on launches",
    "time": "stopped by the cap on time",
}
_Rule = Callable[[CaseResult, Summary], Iterator[tuple[str, str]]]
_RULES: tuple[_Rule, ...] = (
    _wide_interval,
    _few_launches,
    _consecutive,
    _levels,
    device_notes.streams,
    _no_steady_state,
    _warm_up_not_judged,
    _disturbed,
    device_notes.throttled,
    device_notes.shared,
    device_notes.enqueue_bound,
    device_notes.transfer_bound,
    _precision,
    _cache_damage,
    _older_statistics,
    _remarks,
)


def _each(cases: Shown, rule: _Rule) -> Iterator[tuple[str, int, str]]:
    for case, summary in cases:
        for text, figures in rule(case, summary):
            yield text, case.record.position, figures


def _spell(field: str) -> str:
    return field.replace("_", ".")
