from pathlib import Path

from results.report.markdown import render

GOLDEN = Path(__file__).parent / "data" / "report.md"


def test_tables_footnotes_and_totals(run, summaries, machine):
    assert render(run, summaries, machine) == GOLDEN.read_text(encoding="utf-8")


def test_nothing_becomes_a_link_to_an_issue(run, summaries, machine):
    text = render(run, summaries, machine)

    assert not any(f"#{number}" in text for number in range(10))
