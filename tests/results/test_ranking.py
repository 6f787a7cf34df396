import json
from dataclasses import replace

import pytest

from results.aggregate import summarise
from results.codec import summary_fields
from results.ranking import PATHS, Glance, fastest, note_counts, read_glance, widest
from results.record import CaseResult, Measured, RunResult, Skipped


def glance(protocol, half_width=0.01, samples_per_s=1.0, notes=()):
    return Glance(
        launches=5,
        half_width=half_width,
        samples_per_s=samples_per_s,
        protocol=protocol,
        notes=notes,
    )


@pytest.fixture
def make(make_run, make_case):
    def run(*models, outcome=None):
        cases = tuple(
            CaseResult(
                record=make_case(position, model=model),
                outcome=outcome or Measured(stopped_by="target"),
                launches=5,
            )
            for position, model in enumerate(models)
        )
        return RunResult(record=make_run(), end=None, cases=cases)

    return run


def places(cases):
    return [case.record.position for case in cases]


def test_the_case_of_most_samples_stands_for_its_model_in_the_order_of_the_suite(make, protocol):
    rates = (2.0, 1.0, 9.0, 5.0, 9.0)
    glances = {at: glance(protocol, samples_per_s=rate) for at, rate in enumerate(rates)}

    assert places(fastest(make("b", "a", "b", "a", "b"), glances)) == [2, 3]


def test_the_least_certain_case_comes_first_and_one_without_an_interval_before_it(make, protocol):
    widths = (0.01, 0.3, None, 0.02)
    glances = {at: glance(protocol, half_width=width) for at, width in enumerate(widths)}

    assert places(widest(make("a", "a", "a", "a"), glances)) == [2, 1, 3, 0]


def test_cases_without_a_measurement_are_not_ranked(make, protocol):
    skipped = make("a", outcome=Skipped(reason="no"))

    assert fastest(skipped, {0: glance(protocol)}) == widest(skipped, {0: glance(protocol)}) == ()
    assert fastest(make("a"), {}) == widest(make("a"), {}) == ()


def test_notes_are_counted_the_most_frequent_first(protocol):
    glances = {
        0: glance(protocol, notes=("few-queries",)),
        1: glance(protocol, notes=("disturbed", "few-queries")),
    }

    assert note_counts(glances) == (("few-queries", 2), ("disturbed", 1))


@pytest.mark.parametrize("launches", [1, 2])
def test_what_is_read_from_json_is_what_the_summary_holds(make_case, make_launch, launches):
    summary = summarise(make_case(), [make_launch(number) for number in range(launches)])
    fields = json.loads(json.dumps(summary_fields(summary)))

    found = read_glance(json.dumps([at(fields, path) for path in PATHS]))

    assert found == Glance.of(summary)
    assert (found.half_width is None) == (launches == 1)


def at(fields, path):
    """Return what SQLite's json_extract would: null where a part of the path is none."""
    for name in path.removeprefix("$.").split("."):
        fields = None if fields is None else fields[name]
    return fields


def test_several_streams_are_ranked_by_the_interval_of_the_time_per_query(
    make_case, make_launch, protocol
):
    streams = replace(protocol, streams=2)
    launches = [make_launch(n, (1000 + n,) * 10, protocol=streams) for n in range(2)]
    summary = summarise(make_case(), launches)
    fields = json.loads(json.dumps(summary_fields(summary)))

    found = read_glance(json.dumps([at(fields, path) for path in PATHS]))

    assert found == Glance.of(summary)
    assert found.half_width == summary.rates.per_query.half_width
