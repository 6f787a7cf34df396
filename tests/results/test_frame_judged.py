import json
from dataclasses import replace

import pytest

from results.frame import column_types, flat_rows
from results.frame_judged import READERS, TEXTS, WHOLE


@pytest.fixture
def case(judged_run):
    return judged_run.cases[2]


def read(case):
    return {name: reader(case) for name, reader in READERS.items()}


def test_a_case_with_everything_has_every_column_but_those_of_another_task(case, judged_run):
    told = {**judged_run.cases[4].accuracy.skipped}
    full = replace(case, accuracy=replace(case.accuracy, skipped=told))

    missing = {name for name, value in read(full).items() if value is None}

    assert missing == {
        *("task_exact_match", "task_cer", "task_precision"),
        *("task_reference_exact_match", "task_reference_cer"),
    }


def test_a_case_of_which_nothing_is_known_has_none(judged_run):
    assert set(read(judged_run.cases[5]).values()) == {None}


def test_columns_of_text_and_of_whole_numbers_are_such(case, judged_run):
    told = {**judged_run.cases[4].accuracy.skipped}
    found = read(replace(case, accuracy=replace(case.accuracy, skipped=told)))

    assert {type(found[name]) for name in TEXTS} == {str}
    assert {type(found[name]) for name in WHOLE} == {int}
    numbers = {type(value) for name, value in found.items() if name not in (*TEXTS, *WHOLE)}
    assert numbers == {float, type(None)}
    types = column_types([judged_run])
    assert {types[name] for name in TEXTS} == {"string"}
    assert {types[name] for name in WHOLE} == {"int64"}
    assert types["parity_cosine"] == "double"


def test_types_reasons_and_classes_are_texts(case, judged_run):
    found = read(case)

    assert found["flops_types"] == "int8 0.97; fp32 0.03"
    assert found["kept"].startswith("LSTM: its state stays fp32")
    assert json.loads(found["task_classes"])[1] == {
        "label": "8",
        "precision": 0.93,
        "recall": 0.88,
        "f1": 0.904,
        "support": 32,
    }
    assert read(judged_run.cases[4])["accuracy_unknown"] == (
        "parity: two runs of the fp32 reference differ; task: the model has no data set with labels"
    )


def test_a_case_that_violates_its_gate_has_its_figures_in_the_rows(judged_run):
    rows = list(flat_rows(judged_run, [(case, None) for case in judged_run.cases]))

    violated = rows[3]
    assert (violated["kind"], violated["parity_cosine"], violated["p50_ns"]) == (
        *("accuracy", 0.9712),
        None,
    )
    assert (violated["task_accuracy"], violated["task_reference_accuracy"]) == (0.8722, 0.975)
