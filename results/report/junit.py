"""Verdicts and outcomes as JUnit XML, which every CI reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite
from junitparser import Skipped as SkippedResult

from results.record import Failed, Measured, Skipped
from results.report.verdict_words import stories, told
from results.report.wording import one_line, sentences
from results.verdict import FASTER, SAME, SLOWER

if TYPE_CHECKING:
    from results.gate_record import GateResult
    from results.record import CaseResult, RunResult
    from results.verdict import CaseVerdict

HISTORY = "history"
_OPEN = "the run ended before the case did, or still goes on"


def gate_suite(
    result: GateResult, *, times_s: Mapping[str, float] | None = None, alarms: Sequence[str] = ()
) -> TestSuite:
    """Return a test suite of a gate, a test a case.

    SLOWER is a failure and FAILED an error; UNSURE and INCOMPARABLE are skipped, so that a reader
    sees that nothing was decided; SAME and FASTER pass. `times_s` is what a case's pairs took, by
    its id. Each of the `alarms` of the history, a case's id and what is told of it, is a failure of
    its own.
    """
    record, baseline = result.record, result.baseline
    spent = times_s or {}
    cases = [_gate_case(record.suite, case, spent.get(case.case_id)) for case in result.cases]
    cases += [_alarm(record.suite, text) for text in alarms]
    properties = {
        "gate": record.id,
        "baseline": baseline.name,
        "baseline.id": baseline.id,
        "baseline.interpreter": baseline.python,
        **{f"baseline.{name}": version for name, version in baseline.versions.items()},
        **record.environment.get("packages", {}),
        "dyno": record.dyno_version,
        "threshold": f"{record.threshold:g}",
    }
    name = f"{record.suite} against {baseline.name}"
    return _suite(name, record.started_at, properties, cases)


def run_suite(run: RunResult) -> TestSuite:
    """Return a test suite of a run: measured cases pass, skipped ones are so, failed are errors."""
    record = run.record
    properties = {
        "run": record.id,
        **record.environment.get("packages", {}),
        "dyno": record.dyno_version,
    }
    cases = [_run_case(record.suite, case) for case in run.cases]
    return _suite(record.suite, record.started_at, properties, cases)


def broken_suite(suite: str, message: str, *, at: float) -> TestSuite:
    """Return a test suite of a gate that could not be started: one error, no pass.

    `at` is in seconds since the epoch.
    """
    test = _test(suite, "gate")
    text = one_line(message)
    test.result = _red(Error(text, "environment"), text)
    return _suite(f"{suite} gate", at, {}, [test])


def document(suites: Iterable[TestSuite]) -> bytes:
    """Return the suites as one XML document in UTF-8."""
    xml = JUnitXml("dyno")
    for suite in suites:
        xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]
    written = BytesIO()
    xml.write(written)
    return written.getvalue() + b"\n"


def _suite(
    name: str, started_at: float, properties: Mapping[str, str], cases: Iterable[TestCase]
) -> TestSuite:
    suite = TestSuite(one_line(name))
    suite.timestamp = datetime.fromtimestamp(started_at, UTC).isoformat(timespec="seconds")
    for key, value in properties.items():
        suite.add_property(one_line(key), one_line(str(value)))
    suite.add_testcases(list(cases))
    return suite


def _gate_case(suite: str, case: CaseVerdict, seconds: float | None) -> TestCase:
    text = one_line(told(case))
    test = _test(suite, case.case_id, seconds)
    match case.outcome:
        case Failed(kind=kind):
            test.result = _red(Error(text, kind), text)
        case verdict if verdict.word == SLOWER:
            test.result = _red(Failure(text, SLOWER), _whole(case))
        case verdict if verdict.word not in (SAME, FASTER):
            test.result = SkippedResult(f"{verdict.word}: {text}")
        case verdict:
            test.system_out = f"{verdict.word}  {text}"
    return test


def _run_case(suite: str, case: CaseResult) -> TestCase:
    test = _test(suite, case.record.id)
    match case.outcome:
        case Failed(kind=kind, message=message, hint=hint):
            text = sentences(message, hint)
            test.result = _red(Error(text, kind), text)
        case Skipped(reason=reason):
            test.result = SkippedResult(one_line(reason))
        case Measured(stopped_by=rule):
            launches = f"{case.launches} launch{'' if case.launches == 1 else 'es'}"
            test.system_out = f"{launches}, stopped by {one_line(rule)}"
        case None:
            test.result = SkippedResult(_OPEN)
    return test


def _alarm(suite: str, text: str) -> TestCase:
    """Return the alarm as a test named by its case, under which servers know it the next night."""
    case_id, _, _ = text.partition(": ")
    test = TestCase(one_line(case_id), one_line(f"{suite}.{HISTORY}"))
    test.result = _red(Failure(one_line(text), HISTORY), one_line(text))
    return test


def _red(result: Error | Failure, text: str) -> Error | Failure:
    """Return the result with its text inside the element too, which is all that GitLab shows."""
    result.text = text
    return result


def _whole(case: CaseVerdict) -> str:
    """Return the numbers of a case, and below them how they were judged."""
    return "\n".join([one_line(told(case)), *(f"{how}: {why}" for how, why in stories(case))])


def _test(suite: str, case_id: str, seconds: float | None = None) -> TestCase:
    """Return a test named by the case, of a class named by its suite and backend."""
    _, _, rest = case_id.partition("/")
    backend = rest.partition("/")[0]
    return TestCase(
        one_line(case_id), one_line(f"{suite}.{backend}" if backend else suite), seconds
    )
