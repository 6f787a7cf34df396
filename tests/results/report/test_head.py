"""The goldens are in `data/`: the head of the constructed run, as if it were a big one."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from results.ranking import Glance
from results.record import Failed
from results.report import head as module
from results.report.content import Frame, ranked
from results.report.head import head
from results.report.markdown import parts
from results.report.terminal import Report

DATA = Path(__file__).parent / "data"


@pytest.fixture
def glances(summaries):
    return {position: Glance.of(summary) for position, summary in summaries.items()}


@pytest.fixture
def of(summaries):
    """Return summaries as a store does: of the cases that are asked for."""

    def found(part):
        asked = {case.record.position for case in part.cases}
        return {position: s for position, s in summaries.items() if position in asked}

    return found


@pytest.fixture
def content(run, glances, of, machine):
    return ranked(run, glances, of, Frame(machine=machine))


def places(table):
    return [cell.strip() for cell in table.columns[0].cells]


@pytest.mark.parametrize("width", [80, 140])
def test_a_big_run_is_told_by_counts_and_rankings(content, width):
    file = StringIO()
    console = Console(file=file, width=width, legacy_windows=False, _environ={}, color_system=None)

    console.print(Report(content=content))

    assert file.getvalue() == (DATA / f"head_{width}.txt").read_text(encoding="utf-8")


def test_its_head_is_markdown_too(content):
    assert "".join(parts(content)) == (DATA / "head.md").read_text(encoding="utf-8")


def test_of_each_ranking_there_are_so_many_rows_and_their_summaries_alone(
    run, glances, of, monkeypatch
):
    monkeypatch.setattr(module, "ROWS", 1)
    asked = []

    def counting(part):
        asked.extend(case.record.position for case in part.cases)
        return of(part)

    counts, best, wide = head(run, glances, counting).tables

    assert (places(best), places(wide), asked) == (["2"], ["5"], [1, 4])
    assert best.subtitle == "the best case of each model and backend; 1 of 2"
    assert wide.subtitle == "measured cases, the least certain p50 first; 1 of 4"
    assert counts.subtitle == "7, by model and backend, 1 of 2: most failures first"


def test_footnotes_are_of_the_rows_shown_and_the_rest_is_counted(run, glances, of, monkeypatch):
    monkeypatch.setattr(module, "ROWS", 1)

    found = head(run, glances, of)

    assert {position for note in found.notes for position, _ in note.hits} == {1, 4}
    assert found.remarks == (
        (
            "Notes of all 4 measured cases: wide interval 2, warm up not judged 1, disturbed 1, "
            "no steady state 1, few queries 1, few launches 1, consecutive 1, precision 1."
        ),
        "5 more cases and the cold path: dyno report 20260102-030405-1f3a --all",
        "A part of them: dyno report 20260102-030405-1f3a --only model=lstm,batch=1",
    )


def test_the_way_to_the_rest_of_a_part_leads_to_that_part(run, glances, of):
    assert head(run, glances, of, only="batch=1").remarks[-1] == (
        "3 more cases and the cold path: dyno report 20260102-030405-1f3a --only batch=1 --all"
    )


def test_where_nothing_is_measured_open_cases_have_their_numbers_so_far(run, summaries):
    open_run = replace(run, cases=(run.cases[6],))

    found = head(open_run, {}, lambda _: {6: summaries[4]})

    assert [table.title for table in found.tables] == ["cases", "open"]
    assert found.has_numbers
    assert found.tables[1].states == ("open",)


def test_reasons_beyond_the_most_are_counted(run, of):
    failed = [Failed(kind="build", message=f"no {number}", hint="") for number in range(14)]
    cases = [
        replace(run.cases[5], record=replace(run.cases[5].record, position=at), outcome=outcome)
        for at, outcome in enumerate(failed)
    ]

    found = head(replace(run, cases=tuple(cases)), {}, of)

    assert len(found.tables[0].asides) == 12
    assert found.remarks[0] == "2 more reasons to fail or skip stand with the cases."


def test_a_rule_is_as_wide_as_the_terminal_at_most(content):
    file = StringIO()
    console = Console(file=file, width=40, legacy_windows=False, _environ={}, color_system=None)

    console.print(Report(content=content))

    rules = [line for line in file.getvalue().splitlines() if line.startswith("─")]
    assert max(map(len, rules)) == 40


def test_the_command_for_the_rest_names_the_store_where_it_must(run, glances, of):
    told = head(run, glances, of, options="--store 'my runs'").remarks[-2:]

    assert [line.partition("dyno")[2].partition(" --store")[0] for line in told] == [
        f" report {run.record.id}"
    ] * 2
    assert all(" --store 'my runs' --" in line for line in told)
