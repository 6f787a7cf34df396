from dataclasses import replace

import pytest

from results.relative import references


def nothing(_run):
    raise AssertionError("expected that nothing is asked for")


def part_of(run, *positions):
    return replace(run, cases=tuple(run.cases[position] for position in positions))


def test_speed_is_fp32_s_p50_over_the_case_s_own(judged_run, judged_summaries):
    found = references(judged_run, judged_run, judged_summaries, nothing)

    speeds = [found.speed(judged_run.cases[place], judged_summaries[place]) for place in (0, 1, 2)]
    assert speeds == [None, pytest.approx(0.58), pytest.approx(812 / 402)]


@pytest.mark.parametrize("change", [{"batch": 9}, {"backend": "x"}, {"options": (("threads", 2),)}])
def test_a_case_that_differs_in_more_than_precision_is_not_held_against(
    judged_run, judged_summaries, change
):
    case = judged_run.cases[2]
    other = replace(case, record=replace(case.record, case=replace(case.record.case, **change)))

    found = references(judged_run, judged_run, judged_summaries, nothing)

    assert found.speed(other, judged_summaries[2]) is None


def test_what_a_part_lacks_is_asked_for_and_nothing_else(judged_run, judged_summaries):
    asked = []

    def of(run):
        asked.append([case.record.position for case in run.cases])
        return {position: judged_summaries[position] for position in asked[-1]}

    part = part_of(judged_run, 2)
    found = references(judged_run, part, {2: judged_summaries[2]}, of)

    assert asked == [[0, 5, 6, 7]]
    assert found.speed(judged_run.cases[2], judged_summaries[2]) == pytest.approx(812 / 402)
    assert len(found.ceilings.compute) == 2


def test_cases_of_which_no_precision_is_known_need_no_equals(run_without_effects, judged_summaries):
    found = references(run_without_effects, run_without_effects, judged_summaries, nothing)

    assert found.fp32 == {}


@pytest.fixture
def run_without_effects(judged_run):
    bare = [
        replace(case, accuracy=None, record=replace(case.record, effect=None, cost=None))
        for case in judged_run.cases
    ]
    return replace(judged_run, cases=tuple(bare))


def test_cases_without_launches_are_not_asked_for(judged_run):
    unmeasured = tuple(replace(case, launches=0) for case in judged_run.cases)

    found = references(replace(judged_run, cases=unmeasured), part_of(judged_run, 2), {}, nothing)

    assert found.fp32 == {}


def test_several_streams_are_held_against_each_other_by_queries_per_second(
    judged_run, judged_summaries
):
    streams = {place: replace(each, latency=None) for place, each in judged_summaries.items()}
    found = references(judged_run, judged_run, streams, nothing)

    rates = [streams[place].rates.queries_per_s for place in (0, 2)]
    assert found.speed(judged_run.cases[2], streams[2]) == pytest.approx(rates[1] / rates[0])


@pytest.mark.parametrize("place", [0, 2], ids=["of the reference", "of the case"])
def test_a_p50_is_not_held_against_a_throughput(judged_run, judged_summaries, place):
    streams = {place: replace(judged_summaries[place], latency=None)}
    summaries = {**judged_summaries, **streams}
    found = references(judged_run, judged_run, summaries, nothing)

    assert found.speed(judged_run.cases[2], summaries[2]) is None
