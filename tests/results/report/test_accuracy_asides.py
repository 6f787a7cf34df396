from dataclasses import replace

from results.report.accuracy_asides import accuracy_asides


def lines(cases):
    return [f"{aside.head} {aside.text}" for aside in accuracy_asides(cases)]


def test_cases_of_which_the_same_is_to_be_said_stand_together(judged_run):
    assert lines(judged_run.cases) == [
        "#2–#4 compared with: fp32 by onnxruntime-cpu.",
        "#1–#4 scored on: digits, 360 samples.",
        "#4 not finite: 3 NaN and 1 infinite values, finite in the reference.",
        "#1–#4 weakest class: '8', F1 90 %, recall 88 % of 32.",
        "#5 no parity: two runs of the fp32 reference differ.",
        "#5 no score: the model has no data set with labels.",
        "#3 kept: LSTM: its state stays fp32, for there is no Q/DQ inside the operator.",
    ]


def test_what_a_case_was_calibrated_on_is_told(judged_run):
    facts = {"calibration": "64 samples of digits, minmax"}
    case = replace(judged_run.cases[5], record=replace(judged_run.cases[5].record, facts=facts))

    assert lines([case]) == ["#6 calibrated on: 64 samples of digits, minmax."]


def test_cases_without_accuracy_and_effect_have_nothing_said(judged_run):
    assert lines(judged_run.cases[5:]) == []


def test_foreign_text_is_one_line_without_control_characters(judged_run, make_task):
    task = make_task(dataset="my\n\x1b[31mdata", classes=(), samples=1)
    accuracy = replace(
        judged_run.cases[0].accuracy,
        task=task,
        skipped={"parity": "no\nway", "reference": "it died"},
    )

    assert lines([replace(judged_run.cases[0], accuracy=accuracy)]) == [
        "#1 scored on: my \\x1b[31mdata, 1 sample.",
        "#1 no parity: no way.",
        "#1 no score of the reference: it died.",
    ]
