"""The goldens are in `data/`; a change of one is a change of what users see."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from results.record import RunResult
from results.report.content import Frame, whole
from results.report.terminal import Report

DATA = Path(__file__).parent / "data"
STYLED = ("\x1b[1;31m", "\x1b[2m", "\x1b[33m")
"""Bold red, dim and yellow: a failed, a skipped and an open case, its row and its line below."""


def printed(report, width, **options):
    file = StringIO()
    console = Console(file=file, width=width, legacy_windows=False, _environ={}, **options)
    console.print(report)
    return file.getvalue()


def drawn(run, summaries, machine=""):
    return Report(content=whole(run, summaries, Frame(machine=machine)))


def unmeasured(run):
    """A skipped and a failed case, each of a model of its own."""
    return tuple(
        replace(case, record=replace(case.record, case=replace(case.record.case, model=name)))
        for case, name in ((run.cases[3], "transformer"), (run.cases[5], "detector"))
    )


@pytest.fixture
def report(run, summaries, machine):
    return drawn(run, summaries, machine)


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_run_is_drawn_to_the_width_there_is(report, width):
    text = printed(report, width, color_system=None)

    assert text == (DATA / f"terminal_{width}.txt").read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("width", [80, 100])
def test_models_with_one_case_each_are_drawn_in_one_table(run, summaries, machine, width):
    skipped, failed = unmeasured(run)
    cases = (run.cases[0], skipped, run.cases[4], failed)
    report = drawn(replace(run, cases=cases), summaries, machine)

    text = printed(report, width, color_system=None)

    assert text == (DATA / f"terminal_shared_{width}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_run_on_a_device_is_drawn_to_the_width_there_is(gpu_run, gpu_summaries, width):
    text = printed(drawn(gpu_run, gpu_summaries), width, color_system=None)

    assert text == (DATA / f"terminal_gpu_{width}.txt").read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("width", [80, 100, 160])
def test_precisions_are_drawn_to_the_width_there_is(judged_run, judged_summaries, width):
    text = printed(drawn(judged_run, judged_summaries), width, color_system=None)

    assert text == (DATA / f"terminal_judged_{width}.txt").read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines()) <= width


def test_a_run_is_drawn_in_colour(report):
    text = printed(report, 100, color_system="standard", force_terminal=True)

    assert text == (DATA / "terminal_colour.txt").read_text(encoding="utf-8")


def test_failures_stand_out_and_skipped_cases_step_back(report):
    lines = printed(report, 100, color_system="standard", force_terminal=True).splitlines()

    started = {prefix: [line for line in lines if line.startswith(prefix)] for prefix in STYLED}
    assert [len(found) for found in started.values()] == [2, 2, 2]


def test_names_with_square_brackets_are_no_markup(report):
    assert "\ncnn [x]  onnxruntime-cpu · fp32 · threads=1\n" in printed(report, 100)


def test_a_run_with_nothing_measured_has_no_word_on_intervals(run):
    skipped = RunResult(record=run.record, end=run.end, cases=run.cases[3:4])

    text = printed(drawn(skipped, {}), 80)

    assert text == (DATA / "terminal_unmeasured.txt").read_text(encoding="utf-8")


def test_a_run_without_cases_is_a_heading_and_a_last_line(run):
    text = printed(drawn(replace(run, cases=()), {}), 80)

    assert [line.rstrip() for line in text.splitlines()] == [
        "run    20260102-030405-1f3a (nightly)",
        "suite  smoke",
        "when   2026-01-02 03:04:05 UTC, done, dyno 0.1.0",
        "",
        "0 measured, 0 skipped, 0 failed · estimated 42.0 s, took 45.1 s",
    ]


def test_no_number_is_parted_from_its_unit_at_any_width(report):
    for width in range(70, 121):
        lines = [line.rstrip() for line in printed(report, width).splitlines()]
        assert not any(line.lstrip().startswith(("% ", "%.", "s ", "s.")) for line in lines)
        assert not any(line.endswith(("±", "≥", "×")) for line in lines[:-1])
