from dataclasses import replace

import pytest

from results.aggregate import summarise
from results.diff import Difference, StoredRun, Told, diff
from results.record import CaseResult, Measured, RunResult, Skipped


@pytest.fixture
def side(make_run, make_case, make_launch):
    """Return a side of cases at these medians [ns]; the cases' batches count from 1."""

    def make(*medians_ns, identity=(), run=None, **changes):
        cases, summaries = [], {}
        for position, median_ns in enumerate(medians_ns):
            record = make_case(position, batch=position + 1, **changes)
            outcome = Measured(stopped_by="target") if median_ns else Skipped(reason="not here")
            cases.append(CaseResult(record=record, outcome=outcome, launches=2))
            if median_ns:
                launches = [make_launch(number, (median_ns,) * 10) for number in range(2)]
                summaries[position] = summarise(record, launches)
        result = RunResult(record=run or make_run(), end=None, cases=tuple(cases))
        return StoredRun(run=result, summaries=summaries, identity=dict(identity))

    return make


def streamed(told):
    return replace(told, summary=replace(told.summary, latency=None))


def test_the_ratio_is_b_over_a(side):
    found = diff(side(1_000_000), side(1_080_000)).cases

    assert [case.ratio for case in found] == [pytest.approx(1.08)]
    assert (found[0].a.time_ns, found[0].a.interval.low_ns) == (pytest.approx(1e6),) * 2


def test_cases_of_one_run_only_come_in_their_order(side):
    found = diff(side(1_000_000), side(1_000_000, 2_000_000)).cases

    assert [(case.a is None, case.b is None, case.ratio) for case in found] == [
        (False, False, pytest.approx(1.0)),
        (True, False, None),
    ]
    assert found[1].differences == ()


def test_a_case_without_numbers_on_one_side_has_no_ratio(side):
    [case] = diff(side(1_000_000), side(None)).cases

    assert case.ratio is None
    assert (case.b.time_ns, case.b.interval, case.b.is_elapsed) == (None, None, False)


def test_of_several_streams_the_time_is_that_elapsed_per_query(side):
    [case] = diff(side(1_000_000), side(1_000_000)).cases
    one, other = streamed(case.a), streamed(case.b)

    assert one.is_elapsed
    assert one.time_ns == pytest.approx(1e9 / one.summary.rates.queries_per_s)
    assert replace(case, a=one, b=other).ratio == pytest.approx(1.0)


def test_p50_is_not_held_against_elapsed_time(side):
    [case] = diff(side(1_000_000), side(1_000_000)).cases

    assert replace(case, a=streamed(case.a)).ratio is None


def test_what_else_differs_between_the_cases_is_named(side):
    a = side(1_000_000)
    b = side(1_000_000, options={"threads": 2, "spinning": False}, inputs_sha256="ee" * 32)
    summary = b.summaries[0]
    longer = replace(summary, precision="bf16", protocol=replace(summary.protocol, launch_s=9.0))
    [before] = a.run.cases

    [case] = diff(a, replace(b, summaries={0: longer})).cases

    assert {(d.field, d.b) for d in case.differences} == {
        ("option threads", 2),
        ("inputs_sha256", "ee" * 32),
        ("effective precision", "bf16"),
        ("protocol launch_s", 9.0),
    }
    assert case.a == Told(case=before, summary=a.summaries[0])


def test_runs_differ_in_suite_dyno_and_environment(side, make_run):
    other = replace(make_run(), suite_sha256="00" * 32, dyno_version="9.9")
    a = side(1_000_000, identity={"packages.onnxruntime": "1.30.0", "cpu.model": "x"})
    b = side(1_000_000, identity={"cpu.model": "x", "packages.tensorrt": "11"}, run=other)

    assert diff(a, b).differences == (
        Difference(field="suite_sha256", a=a.run.record.suite_sha256, b="00" * 32),
        Difference(field="dyno_version", a=a.run.record.dyno_version, b="9.9"),
        Difference(field="packages.onnxruntime", a="1.30.0", b=None),
        Difference(field="packages.tensorrt", a=None, b="11"),
    )


def test_a_run_does_not_differ_from_itself(side):
    one = side(1_000_000, None)

    found = diff(one, one)

    assert found.differences == ()
    assert [case.differences for case in found.cases] == [(), ()]
