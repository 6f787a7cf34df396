from dataclasses import replace

import pytest

from results.relative import references
from results.report.accuracy import NO_FP32, judged
from results.summary import TooFewQueries


def table_of(run, summaries):
    return judged(run.cases, summaries, references(run, run, summaries, lambda _: {}))


def cells(table):
    return {(column.name, column.unit): column.cells for column in table.columns}


def with_first(run, **changes):
    """Return the run with its first two cases, the second one changed."""
    return replace(run, cases=(run.cases[0], replace(run.cases[1], **changes)))


@pytest.fixture
def found(judged_run, judged_summaries):
    return cells(table_of(judged_run, judged_summaries))


def test_a_run_of_which_no_accuracy_is_known_has_no_table(run, summaries):
    assert table_of(run, summaries) is None


def test_a_case_with_an_effect_or_accuracy_is_a_row_however_it_ended(judged_run, judged_summaries):
    table = table_of(judged_run, judged_summaries)

    assert cells(table)["#", ""] == ("1", "2", "3", "4", "5")
    assert table.states == ("measured", "measured", "measured", "failed", "measured")


def test_what_all_rows_share_stands_once_and_precisions_are_told_apart(
    found, judged_run, judged_summaries
):
    table = table_of(judged_run, judged_summaries)

    assert table.subtitle.startswith("lstm · onnxruntime-cpu · batch 8 · sequence=16 · threads=1; ")
    assert found["precision", ""] == ("fp32", "fp16", "int8", "int4", "int8-dynamic")
    assert ("model", "") not in found


def test_types_are_named_with_their_share_and_one_that_has_all_alone(found):
    assert found["graph", ""] == ("—", "fp16", "int8 97 %, fp32 3 %", "fp32", "int8")
    assert found["weights", ""][1:4] == (
        "fp16",
        "int8 99.1 %, fp32 0.9 %",
        "int4 99.1 %, fp32 0.9 %",
    )
    assert found["size", "× fp32"] == ("—   ", "0.50", "0.26", "0.14", "0.25")


def test_parity_is_that_of_the_worst_output_and_never_rounded_up(found):
    assert found["cosine", ""] == ("—      ", "0.99990", "0.99957", "0.97120", "—      ")
    assert found["max abs", ""] == ("—      ", "6.3e-04", "1.7e-02", "1.7e-01", "—      ")
    assert found["SNR", "dB"] == (" —  ", "63.2", "31.2", "14.2", " —  ")
    assert found["top-1", "%"] == ("  —   ", "100.0 ", " 98.30", " 98.30", "  —   ")


def test_outputs_that_are_the_same_have_a_cosine_of_1_and_no_noise(judged_run, make_parity):
    same = make_parity(cosine=1.0, max_abs=0.0, snr_db=None)
    accuracy = replace(judged_run.cases[1].accuracy, parity=(same,))

    found = cells(table_of(with_first(judged_run, accuracy=accuracy), {}))

    assert (found["cosine", ""], found["max abs", ""]) == (("—", "1"), ("—", "0"))
    assert ("SNR", "dB") not in found


def test_scores_of_the_task_are_per_cent_and_their_change_is_in_points(found):
    assert found["accuracy", "%"] == ("97.00", "97.50", "97.22", "87.22", " —   ")
    assert found["F1", "%"] == ("95.50", "95.50", "97.03", "87.00", " —   ")
    assert found["recall", "%"] == ("95.00", "95.00", "97.13", "87.10", " —   ")
    assert found["Δ", "pp"] == ("  —   ", " +0.00", " -0.28", "-10.28", "  —   ")


def test_sequences_have_exact_matches_and_the_error_rate_of_their_symbols(judged_run, make_task):
    task = make_task(
        task="sequence", metrics={"exact_match": 0.5, "cer": 0.1}, reference={"exact_match": 0.75}
    )
    accuracy = replace(judged_run.cases[1].accuracy, task=task)

    found = cells(table_of(with_first(judged_run, accuracy=accuracy), {}))

    assert (found["exact", "%"], found["CER", "%"]) == ((" —   ", "50.00"), (" —   ", "10.00"))
    assert found["Δ", "pp"] == ("  —   ", "-25.00")


def test_speed_is_a_ratio_to_the_same_case_in_fp32(found):
    assert found["speed", "× fp32"] == ("—    ", "0.580", "2.02 ", "—    ", "1.62 ")


def test_a_precision_that_ran_is_a_column_where_another_was_asked_for(judged_run, judged_summaries):
    judged_summaries[1] = replace(judged_summaries[1], precision="fp32")

    found = cells(table_of(judged_run, judged_summaries))

    assert found["ran", ""] == ("fp32", "fp32", "int8", "—", "int8-dynamic")


def test_columns_that_no_row_has_are_left_out_with_what_explains_them(judged_run):
    table = table_of(with_first(judged_run, accuracy=None), {})

    names = [column.name for column in table.columns]
    assert names[:5] == ["#", "precision", "graph", "weights", "size"]
    assert names[5:] == ["accuracy", "F1", "recall"]
    assert table.subtitle.endswith(
        "; graph, weights: share of the prepared graph's operations, of its weights by type; "
        "F1 and recall are means over classes"
    )


def test_a_run_without_an_fp32_case_says_why_there_is_no_speed(judged_run, judged_summaries):
    table = table_of(replace(judged_run, cases=judged_run.cases[1:]), judged_summaries)

    assert ("speed", "× fp32") not in cells(table)
    assert [aside.text for aside in table.asides if aside.head == "Speed:"] == [NO_FP32]


def test_fp32_alone_and_cases_without_numbers_lack_no_speed(judged_run, judged_summaries):
    alone = table_of(replace(judged_run, cases=judged_run.cases[:1]), judged_summaries)
    failed = table_of(replace(judged_run, cases=judged_run.cases[3:4]), judged_summaries)

    heads = [aside.head for table in (alone, failed) for aside in table.asides]
    assert "Speed:" not in heads


def test_a_ratio_needs_both_latencies(judged_run, judged_summaries):
    lacking = {**judged_summaries, 0: replace(judged_summaries[0], latency=None)}

    assert isinstance(judged_summaries[0].latency.p99_9, TooFewQueries)
    assert ("speed", "× fp32") not in cells(table_of(judged_run, lacking))
