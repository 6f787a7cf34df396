from dataclasses import replace

from results.relative import references
from results.report.work import NO_CEILING, SUBTITLE, working
from results.totals import measured
from results.work import Ceilings, ceilings


def table_of(run, summaries):
    against = references(run, run, summaries, lambda _: {})
    return working(measured(run, summaries), against.ceilings)


def cells(table):
    return {(column.name, column.unit): column.cells for column in table.columns}


def told(table):
    return [f"{aside.head} {aside.text}" for aside in table.asides]


def test_without_a_counted_graph_there_is_no_table(run, summaries):
    assert table_of(run, summaries) is None


def test_measured_cases_have_what_they_did_per_second(judged_run, judged_summaries):
    table = table_of(judged_run, judged_summaries)
    found = cells(table)

    assert found["#", ""] == ("1", "2", "3", "5", "6", "7", "8")
    assert found["model", ""] == ("lstm",) * 4 + ("peak",) * 2 + ("copy",)
    assert found["a query", "MFLOP"][:2] == ("   3.00", "   3.00")
    assert found["computes", "GFLOP/s"] == (
        *("  3.69", "  2.14", "  7.45", "  5.99", " 97.4 ", "238   ", "  1.20"),
    )
    assert found["moves", "MB/s"][0] == " 737"
    assert found["intensity", "FLOP/B"] == (
        *("  5.00 ", "  5.00 ", " 10.0  ", "  5.00 ", "489    ", "489    ", "  0.125"),
    )
    assert table.subtitle == f"onnxruntime-cpu · batch 8 · sequence=16 · threads=1; {SUBTITLE}"


def test_shares_are_of_the_best_of_the_same_arithmetic_and_runtime(judged_run, judged_summaries):
    found = cells(table_of(judged_run, judged_summaries))

    assert found["of compute", "%"] == (
        *("  3.78", "  —   ", "  3.13", "  —   ", "100   ", "100   ", "  1.23"),
    )
    assert found["of memory", "%"][-1] == "100   "


def test_without_a_ceiling_a_line_tells_how_to_get_one(judged_run, judged_summaries):
    table = table_of(replace(judged_run, cases=judged_run.cases[:1]), judged_summaries)

    assert told(table) == [f"Ceilings: {NO_CEILING}"]
    assert ("of compute", "%") not in cells(table)


def test_operators_that_were_not_counted_and_graphs_that_could_not_be_are_named(
    judged_run, judged_summaries
):
    first = judged_run.cases[0]
    facts = {"cost_unknown": "lstm.onnx: no shapes\nat all"}
    lost = replace(first, record=replace(first.record, cost=None, facts=facts))
    summaries = {**judged_summaries, 0: replace(judged_summaries[0], work=None)}

    table = table_of(replace(judged_run, cases=(lost, *judged_run.cases[1:])), summaries)

    assert told(table) == [
        "#3 at least: the operations of 2 × Loop are not known.",
        "#1 not counted: lstm.onnx: no shapes at all.",
    ]


def test_a_case_above_a_ceiling_says_what_that_means(judged_run, judged_summaries):
    best = Ceilings(memory={"onnxruntime-cpu": 7e8})
    cases = measured(replace(judged_run, cases=judged_run.cases[:2]), judged_summaries)

    table = working(cases, best)

    (line,) = told(table)
    assert line == (
        "#1 above the memory ceiling: moves less than its graph says, by fusion, or out of caches "
        "that the ceiling's model is too large for."
    )
    assert cells(table)["of memory", "%"] == ("105  ", " 61.1")


def test_work_beyond_the_compute_ceiling_doubts_the_ceiling(judged_run, judged_summaries):
    first, second, *_ = measured(judged_run, judged_summaries)
    slow = replace(first[0], record=replace(first[0].record, cost=judged_run.cases[5].record.cost))

    table = working([first], ceilings([(slow, replace(second[1], precision="fp32"))]))

    (line,) = told(table)
    assert line == (
        "#1 above the compute ceiling: more operations a second than the model that is their "
        "ceiling, which reached less than this machine can: by its size, or in a worse moment."
    )
