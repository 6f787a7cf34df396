from dataclasses import replace

import pytest

from results.summary import Rates, Work
from results.work import ceilings, work

RATES = Rates(queries_per_s=500.0, samples_per_s=4000.0, steps_per_s=None)


def test_rates_are_what_a_query_costs_times_the_queries_of_a_second(make_cost):
    assert work(make_cost(), RATES) == Work(
        flops=3_000_000,
        bytes=600_000,
        flops_per_s=1.5e9,
        bytes_per_s=3e8,
        flops_per_byte=5.0,
    )


def test_a_graph_that_moves_nothing_has_no_intensity(make_cost):
    bare = make_cost(parameter_bytes=0, activation_bytes=0)

    assert work(bare, RATES).flops_per_byte is None


@pytest.fixture
def pairs(judged_run, judged_summaries):
    return [
        (case, judged_summaries[case.record.position])
        for case in judged_run.cases
        if case.record.position in judged_summaries
    ]


def test_ceilings_are_the_best_of_the_models_that_are_there_for_it(pairs):
    first, peak = pairs[0], next(pair for pair in pairs if pair[0].record.case.model == "peak")
    slower = [
        (case, replace(summary, work=replace(summary.work, flops_per_s=1.0, bytes_per_s=1.0)))
        for case, summary in (peak, pairs[-1])
    ]

    found = ceilings([*pairs, *slower])

    assert found.memory == {"onnxruntime-cpu": pairs[-1][1].work.bytes_per_s}
    assert found.compute_share(*peak) == 1.0
    assert found.compute_share(*first) == pytest.approx(
        first[1].work.flops_per_s / peak[1].work.flops_per_s
    )
    assert found.memory_share(*first) == pytest.approx(
        first[1].work.bytes_per_s / pairs[-1][1].work.bytes_per_s
    )


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"threads": 2, "spinning": False}},
        {"backend": "tensorrt"},
        {"precision": "tf32"},
    ],
)
def test_a_compute_ceiling_is_for_its_backend_precision_and_options(pairs, change):
    case, summary = pairs[0]
    record = case.record
    if "backend" in change:
        record = replace(record, case=replace(record.case, **change))
    if "options" in change:
        record = replace(record, **change)
    if "precision" in change:
        summary = replace(summary, **change)

    assert ceilings(pairs).compute_share(replace(case, record=record), summary) is None


def test_an_option_that_only_the_case_states_counts(pairs):
    case, summary = pairs[0]
    given = replace(case.record.case, options=(("threads", "1"), ("spinning", False)))
    same = replace(case, record=replace(case.record, case=given, options={}))
    other = replace(case, record=replace(case.record, options={}))

    shares = [ceilings(pairs).compute_share(each, summary) for each in (same, other)]
    assert shares == [ceilings(pairs).compute_share(case, summary), None]


def test_the_options_of_a_memory_ceiling_do_not_matter_but_its_backend_does(pairs):
    case, summary = pairs[0]
    threads = replace(case, record=replace(case.record, options={"threads": 2}))
    other = replace(case.record, case=replace(case.record.case, backend="tensorrt"))

    assert ceilings(pairs).memory_share(threads, summary) is not None
    assert ceilings(pairs).memory_share(replace(case, record=other), summary) is None


def test_open_cases_and_those_without_work_set_no_ceiling(pairs):
    still_open = [(replace(case, outcome=None), summary) for case, summary in pairs]
    uncounted = [(case, replace(summary, work=None)) for case, summary in pairs]

    for cases in (still_open, uncounted):
        found = ceilings(cases)
        assert (found.compute, found.memory) == ({}, {})


def test_without_work_there_is_no_share(pairs):
    case, summary = pairs[0]
    bare = replace(summary, work=None)

    found = ceilings(pairs)

    assert (found.compute_share(case, bare), found.memory_share(case, bare)) == (None, None)
