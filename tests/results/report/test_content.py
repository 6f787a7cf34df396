from dataclasses import replace

import pytest

from results.ranking import Glance
from results.record import Skipped
from results.report import content as module
from results.report.content import Frame, is_big, ranked, streamed, whole


@pytest.fixture
def glances(summaries):
    return {position: Glance.of(summary) for position, summary in summaries.items()}


def test_a_run_is_big_by_the_cases_that_were_not_skipped(run, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 5)
    skipped = replace(run.cases[0], outcome=Skipped(reason="no"))

    assert is_big(run)
    assert not is_big(replace(run, cases=(*run.cases[1:], skipped)))


def test_a_part_says_what_it_is_and_has_no_time(run, summaries):
    part = replace(run, cases=run.cases[:2])

    found = whole(part, summaries, Frame(only="batch=1", of=7))

    assert ("shown", "batch=1: 2 of 7 cases") in found.heading
    assert found.closing == ("2 measured, 0 skipped, 0 failed",)


def test_an_unfinished_run_ends_with_the_way_to_go_on_unless_it_goes_on(run, summaries):
    cut = replace(run, end=None)

    assert whole(cut, summaries, Frame(live=True)).closing == (
        "4 measured, 1 skipped, 1 failed, 1 open · estimated 42.0 s",
    )
    assert whole(cut, summaries, Frame()).closing[1:] == (
        "1 case left to measure: dyno run smoke --resume 20260102-030405-1f3a",
    )


def test_parts_are_made_as_they_are_drawn(run, summaries, glances):
    asked = []

    def of(part):
        asked.append(part.cases[0].record.case.model)
        return summaries

    bodies = iter(streamed(run, glances, of, Frame()).bodies)

    assert asked == []
    assert [table.title for table in next(bodies).tables] == ["lstm", "cold path"]
    assert asked == ["lstm"]
    assert next(bodies).tables[0].title == "cnn [x]"


@pytest.mark.parametrize("make", [ranked, streamed])
def test_the_protocols_of_all_cases_are_told_before_any_is_read(run, glances, make):
    glances[4] = replace(glances[4], protocol=replace(glances[4].protocol, launches_max=9))

    found = make(run, glances, lambda _: {}, Frame())

    assert [label for label, _ in found.heading] == ["run", "suite", "when", *["protocol"] * 2]


def test_a_part_of_a_big_run_is_filled_and_held_against_all_of_it(
    judged_run, judged_summaries, glances
):
    only = replace(judged_run, cases=judged_run.cases[2:3])
    bare = replace(only, cases=(replace(only.cases[0], accuracy=None),))

    def of(part):
        return {case.record.position: judged_summaries[case.record.position] for case in part.cases}

    content = streamed(bare, glances, of, Frame(), fill=lambda _: only, within=judged_run)
    (found,) = content.bodies

    tables = {table.title: table for table in found.tables}
    named = {column.name: column.cells for table in tables.values() for column in table.columns}
    assert named["cosine"] == ("0.99957",)
    assert (named["speed"], named["of compute"]) == (("2.02",), ("3.13",))
