from io import StringIO

from rich.console import Console

from results.record import RunEnd, RunOverview, RunRecord
from results.report.runs import RunList


def overview(number, name, end, **counts):
    record = RunRecord(
        id=f"20261121-03000{number}-ab{number}0",
        name=name,
        suite="smoke",
        suite_sha256="0" * 64,
        dyno_version="1",
        started_at=1_795_230_000.0 + 60 * number,
        seed=0,
        estimate_s=1.0,
        environment={},
    )
    zeros = {"measured": 0, "skipped": 0, "failed": 0, "open": 0}
    return RunOverview(record=record, end=end, **{**zeros, **counts})


def printed(*runs, width=80, live=()):
    out = StringIO()
    Console(file=out, width=width, legacy_windows=False).print(RunList(runs=runs, live=live))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_runs_are_listed_as_given_with_their_counts_and_state():
    done = RunEnd(ended_at=1_795_230_100.0, state="done")
    text = printed(
        overview(2, "night [x]", None, open=3),
        overview(1, "smoke", done, measured=7, failed=1),
        live={"20261121-030002-ab20"},
    )
    assert text == GOLDEN


def test_where_it_is_narrow_counts_and_names_fold_and_nothing_is_cut():
    counts = {"measured": 120, "skipped": 14, "failed": 3, "open": 200}
    end = RunEnd(ended_at=1_795_230_100.0, state="interrupted")
    runs = (
        overview(2, "nightly after the upgrade to 1.31.1, spinning off", end, **counts),
        overview(1, "smoke", None, measured=7),
    )
    assert printed(*runs, width=80) == FOLDED_80 + TO_GO_ON
    assert printed(*runs, width=100) == FOLDED_100 + TO_GO_ON


def test_an_unfinished_run_with_cases_left_says_how_to_go_on():
    end = RunEnd(ended_at=1_795_230_100.0, state="interrupted")
    text = printed(
        overview(6, "on", None, open=1),
        overview(5, "cut", end, open=1),
        overview(4, "whole", end, measured=1),
        overview(3, "dead", None, open=1),
        overview(2, "done", RunEnd(ended_at=0.0, state="done"), open=1),
        overview(1, "old", None, open=1),
        overview(0, "older", None, open=1),
        live={"20261121-030006-ab60"},
        width=60,
    )
    assert [line for line in text.splitlines() if "--resume" in line] == [
        "to go on: dyno run smoke --resume 20261121-030005-ab50",
        "to go on: dyno run smoke --resume 20261121-030003-ab30",
        "to go on: dyno run smoke --resume 20261121-030001-ab10",
    ]


def test_failed_cases_are_red_where_there_is_colour():
    out = StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", _environ={})
    console.print(RunList(runs=(overview(1, "smoke", None, measured=7, failed=2),)))
    assert "7 measured, \x1b[1;31m2 failed\x1b[0m" in out.getvalue()


def test_an_empty_store_says_how_to_start():
    assert printed() == "no runs yet. Start with: dyno run smoke"


def test_a_word_that_is_cut_off_ends_in_an_ellipsis():
    end = RunEnd(ended_at=1_795_230_100.0, state="interrupted")
    text = printed(overview(1, "smoke", end, measured=7), width=40)

    assert "interrupted" not in text
    assert all(len(line) <= 40 for line in text.splitlines())
    assert "…" in text.splitlines()[-1]


TO_GO_ON = "\n\nto go on: dyno run smoke --resume 20261121-030002-ab20"
GOLDEN = """\
run (UTC)             name       suite  state    cases
─────────────────────────────────────────────────────────────────────
20261121-030002-ab20  night [x]  smoke  running  3 open
20261121-030001-ab10  smoke      smoke  done     7 measured, 1 failed"""
FOLDED_80 = """\
run (UTC)             name                     suite  state        cases
────────────────────────────────────────────────────────────────────────────────
20261121-030002-ab20  nightly after the        smoke  interrupted  120 measured,
                      upgrade to 1.31.1,                           14 skipped,
                      spinning off                                 3 failed,
                                                                   200 open
20261121-030001-ab10  smoke                    smoke  killed       7 measured"""
FOLDED_100 = """\
run (UTC)             name                                         suite  state        cases
────────────────────────────────────────────────────────────────────────────────────────────────────
20261121-030002-ab20  nightly after the upgrade to 1.31.1,         smoke  interrupted  120 measured,
                      spinning off                                                     14 skipped,
                                                                                       3 failed,
                                                                                       200 open
20261121-030001-ab10  smoke                                        smoke  killed       7 measured"""
