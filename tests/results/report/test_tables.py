from dataclasses import replace

import pytest

from results.report.tables import cold_path, model_tables

TAILS = ("p90", "p95", "p99")


@pytest.fixture
def tables(run, summaries):
    return model_tables(run, summaries, tails=TAILS, marks={1: "1"})


def column(table, name):
    return next(column for column in table.columns if column.name == name)


def test_there_is_a_table_a_model_in_the_order_of_the_suite(tables):
    assert [(table.title, table.subtitle) for table in tables] == [
        ("lstm", "onnxruntime-cpu · threads=1"),
        ("cnn [x]", "onnxruntime-cpu · fp32 · threads=1"),
    ]


def test_every_case_has_its_row_and_says_how_it_ended(tables):
    assert column(tables[0], "p50").cells == ("     80.3", "    212  ", "   1640  ", "skipped  ")
    assert column(tables[1], "p50").cells == ("    12.3", "failed  ", "  open  ")
    assert [table.unmeasured for table in tables] == [{3}, {1, 2}]


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
    assert [table.asides for table in tables] == [
        ("#4 skipped: excluded by the suite: If branches cannot be quantised.",),
        (
            (
                "#6 failed (crash): the runtime died of \\x1b[31mSIGSEGV\\x1b[0m while opening the "
                "engine. See the log of the launch."
            ),
            "#7 open: the run ended before the case did, or still goes on; 3 launches kept.",
        ),
    ]


def test_steps_and_memory_have_a_column_only_where_there_are_any(run, summaries):
    memoryless = replace(summaries[4].load, peak_rss_bytes=None)
    summaries[4] = replace(summaries[4], load=memoryless)

    lstm, cnn = model_tables(run, summaries, tails=TAILS, marks={})

    names = [column.name for column in cnn.columns]
    assert {"steps", "RSS"} <= {column.name for column in lstm.columns}
    assert not {"steps", "RSS", "notes"} & set(names)


def test_the_cold_path_has_the_measured_cases_with_their_launches(run, summaries):
    table = cold_path(run, summaries)

    assert column(table, "#").cells == ("1", "2", "3", "5")
    assert column(table, "launches").cells == (" 5", " 6", "12", " 2")
    assert (column(table, "first query").unit, column(table, "first query").cells[0]) == (
        "ms",
        "  0.723",
    )


def test_nothing_measured_has_no_cold_path(run):
    assert cold_path(run, {}) is None
