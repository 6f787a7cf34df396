from dataclasses import replace

import pytest

from results.report.tables import cold_path, counts, model_tables, ranked
from suites.case import Case

TAILS = ("p90", "p95", "p99")


@pytest.fixture
def tables(run, summaries):
    return model_tables(run, summaries, tails=TAILS, marks={1: "1"})


def column(table, name):
    return next(column for column in table.columns if column.name == name)


def renamed(case, model):
    return replace(case, record=replace(case.record, case=replace(case.record.case, model=model)))


def test_there_is_a_table_a_model_in_the_order_of_the_suite(tables):
    assert [(table.title, table.subtitle) for table in tables] == [
        ("lstm", "onnxruntime-cpu · threads=1"),
        ("cnn [x]", "onnxruntime-cpu · fp32 · threads=1"),
    ]


def test_every_case_has_its_row_and_says_how_it_ended(tables):
    assert column(tables[0], "p50").cells == ("     80.3", "    212  ", "   1640  ", "skipped  ")
    assert column(tables[1], "p50").cells == ("    12.3", "failed  ", "  open  ")
    assert [table.states for table in tables] == [
        ("measured", "measured", "measured", "skipped"),
        ("measured", "failed", "open"),
    ]


def test_a_model_without_numbers_has_no_columns_for_them(run):
    table = model_tables(run, {}, tails=TAILS, marks={})[1]

    assert [(column.name, column.cells) for column in table.columns] == [
        ("#", ("5", "6", "7")),
        ("batch", (" 1", "32", "64")),
        ("outcome", ("measured", "failed", "open")),
    ]


def test_the_best_of_latency_and_throughput_are_marked_in_each_table(tables):
    assert (column(tables[0], "p50").best, column(tables[0], "samples").best) == (0, 1)


def test_one_measured_case_is_not_the_best_of_anything(tables):
    assert (column(tables[1], "p50").best, column(tables[1], "samples").best) == (None, None)


def test_why_a_case_has_no_numbers_stands_below(tables):
    assert [[aside.head for aside in table.asides] for table in tables] == [
        ["#4 skipped:"],
        ["#6 failed (crash):", "#7 open:"],
    ]


def test_an_open_case_has_its_numbers_so_far_but_is_not_the_best(run, summaries):
    summaries[6] = replace(summaries[4], latency=summaries[0].latency)

    table = model_tables(run, summaries, tails=TAILS, marks={})[1]

    assert column(table, "p50").cells == (" 12300  ", "failed  ", "    80.3")
    assert column(table, "p50").best is None
    assert table.states[2] == "open"
    assert [aside.head for aside in table.asides] == ["#6 failed (crash):", "#7 open:"]


def test_models_with_one_case_each_share_a_table_without_a_best(run, summaries):
    alone = replace(run, cases=(run.cases[0], run.cases[4]))

    (table,) = model_tables(alone, summaries, tails=TAILS, marks={})

    assert (table.title, table.subtitle) == ("onnxruntime-cpu · fp32 · batch 1 · threads=1", "")
    assert column(table, "model").cells == ("lstm", "cnn [x]")
    assert column(table, "sequence").cells == ("16", " —")
    assert column(table, "p50").cells == ("   80.3", "12300  ")
    assert [column.name for column in table.columns if column.best is not None] == []


def test_models_with_several_cases_keep_tables_of_their_own_before_the_shared_one(run, summaries):
    others = [renamed(run.cases[4], name) for name in ("mlp", "digits")]
    mixed = replace(run, cases=(others[0], *run.cases, others[1]))

    found = model_tables(mixed, summaries, tails=TAILS, marks={})

    shared = "onnxruntime-cpu · fp32 · batch 1 · threads=1"
    assert [table.title for table in found] == ["lstm", "cnn [x]", shared]
    assert column(found[2], "model").cells == ("mlp", "digits")


def test_the_only_model_with_one_case_has_a_table_of_its_own_in_its_place(run, summaries):
    fewer = replace(run, cases=(run.cases[4], *run.cases[:4]))

    found = model_tables(fewer, summaries, tails=TAILS, marks={})

    assert [table.title for table in found] == ["cnn [x]", "lstm"]


def test_models_that_share_nothing_are_titled_by_what_they_are(run):
    other = replace(
        run.cases[4].record,
        case=Case(model="b", backend="fake", precision="fp16", batch=8),
        options={"threads": 2},
    )
    strangers = replace(run, cases=(run.cases[0], replace(run.cases[4], record=other)))

    (table,) = model_tables(strangers, {}, tails=TAILS, marks={})

    assert (table.title, table.subtitle) == ("one case a model", "")


def test_steps_and_memory_have_a_column_only_where_there_are_any(run, summaries):
    memoryless = replace(summaries[4].load, peak_rss_bytes=None)
    summaries[4] = replace(summaries[4], load=memoryless)

    lstm, cnn = model_tables(run, summaries, tails=TAILS, marks={})

    names = [column.name for column in cnn.columns]
    assert {"steps", "RSS"} <= {column.name for column in lstm.columns}
    assert not {"steps", "RSS", "notes"} & set(names)


def test_a_case_without_a_peak_has_a_dash_beside_those_that_have_one(tables):
    assert column(tables[0], "RSS").cells == ("12.5", " —  ", "12.5", "    ")


def test_a_narrow_terminal_does_without_p99_9_before_cpu_and_the_nearer_percentiles(run, summaries):
    shown = (*TAILS, "p99_9")
    table = model_tables(run, summaries, tails=shown, marks={})[0]

    dropped = sorted((c for c in table.columns if c.drop), key=lambda c: c.drop, reverse=True)

    assert [c.name for c in dropped] == ["RSS", "p99.9", "CPU", "p90", "p95", "steps", "p99"]


def test_the_cold_path_has_the_measured_cases_with_their_launches(run, summaries):
    table = cold_path(run, summaries)

    assert column(table, "#").cells == ("1", "2", "3", "5")
    assert column(table, "launches").cells == (" 5", " 6", "12", " 2")


def test_every_step_of_the_cold_path_has_its_own_unit(run, summaries):
    quick = replace(summaries[0].cold, build_ns=138_000, first_query_ns=723_000.0)
    summaries = {0: replace(summaries[0], cold=quick)}

    table = cold_path(run, summaries)

    assert [(column.name, column.unit, column.cells) for column in table.columns[3:]] == [
        ("build", "µs", ("138",)),
        ("start", "ms", ("98.0",)),
        ("open", "ms", ("3.10",)),
        ("first query", "µs", ("723",)),
    ]


def test_nothing_measured_has_no_cold_path(run):
    assert cold_path(run, {}) is None


def test_the_cold_path_says_whose_engine_came_from_the_cache(run, summaries):
    cases = tuple(
        replace(case, record=replace(case.record, engine_cached=case.record.position in (1, 2)))
        for case in run.cases
    )
    (aside,) = cold_path(replace(run, cases=cases), summaries).asides
    assert f"{aside.head} {aside.text}" == (
        "#2, #3 cached: the engine came from the cache, and the build is the one that put it there."
    )
    assert cold_path(run, summaries).asides == ()


def test_cases_are_counted_by_model_and_backend_and_outcomes_that_none_had_left_out(run):
    table = counts(run.cases[:6], 20)

    assert [(column.name, column.cells) for column in table.columns] == [
        ("model", ("lstm", "cnn [x]")),
        ("backend", ("onnxruntime-cpu", "onnxruntime-cpu")),
        ("measured", ("3", "1")),
        ("skipped", ("1", "0")),
        ("failed", ("0", "1")),
    ]
    assert (table.subtitle, table.states) == ("6, by model and backend", ("", ""))


def test_of_too_many_models_those_with_most_failures_stay(run):
    table = counts(run.cases, 1)

    assert table.columns[0].cells == ("cnn [x]",)
    assert table.subtitle == "7, by model and backend, 1 of 2: most failures first"


def test_ranked_cases_stand_in_the_order_given_by_their_ids(run, summaries):
    cases = (run.cases[4], run.cases[0])

    table = ranked(cases, summaries, title="t", subtitle="s", tails=TAILS, marks={0: "1"})

    assert column(table, "#").cells == ("5", "1")
    assert column(table, "case").cells == (
        "cnn [x]/onnxruntime-cpu/fp32/b1",
        "lstm/onnxruntime-cpu/fp32/b1/sequence=16",
    )
    assert column(table, "notes").cells == ("", "1")
    assert [column.best for column in table.columns] == [None] * len(table.columns)
