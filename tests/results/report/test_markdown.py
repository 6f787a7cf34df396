from dataclasses import replace
from pathlib import Path

from results.record import Skipped
from results.report.content import Frame, whole
from results.report.heading import BEST_RULE, INTERVAL_RULE
from results.report.markdown import parts

GOLDEN = Path(__file__).parent / "data" / "report.md"


def render(run, summaries, machine=""):
    return "".join(parts(whole(run, summaries, Frame(machine=machine))))


def test_tables_footnotes_and_totals(run, summaries, machine):
    assert render(run, summaries, machine) == GOLDEN.read_text(encoding="utf-8")


def test_a_run_on_a_device_has_the_columns_of_all_its_readings(gpu_run, gpu_summaries):
    golden = GOLDEN.with_name("report_gpu.md")

    assert render(gpu_run, gpu_summaries) == golden.read_text(encoding="utf-8")


def test_precisions_have_every_column(judged_run, judged_summaries):
    golden = GOLDEN.with_name("report_judged.md")

    assert render(judged_run, judged_summaries) == golden.read_text(encoding="utf-8")


def test_cases_in_a_row_are_named_as_such(run):
    cases = tuple(replace(case, outcome=Skipped(reason="no device")) for case in run.cases[:3])

    text = render(replace(run, cases=cases), {})

    assert "\n- cases 1–3 skipped: no device.\n" in text


def test_without_a_best_nothing_explains_it(run, summaries):
    text = render(replace(run, cases=run.cases[:1]), summaries)

    assert INTERVAL_RULE in text
    assert BEST_RULE not in text


def test_nothing_becomes_a_link_to_an_issue(run, summaries, machine):
    text = render(run, summaries, machine)

    assert not any(f"#{number}" in text for number in range(10))


def test_a_run_that_was_cut_off_says_how_to_go_on(run, summaries):
    text = render(replace(run, end=None), summaries)

    assert text.endswith(
        "\n\n1 case left to measure: dyno run smoke --resume 20260102-030405-1f3a\n"
    )


def test_what_the_doctor_warned_of_stands_before_the_last_line(run, summaries):
    found = {"level": "warning", "id": "governor", "finding": "it is powersave", "effect": "Slow"}
    warned = replace(run, record=replace(run.record, environment={"doctor": [found]}))

    text = render(warned, summaries)

    assert "\n\nMachine, governor: it is powersave. Slow. What to do: dyno doctor.\n\n**4 m" in text
