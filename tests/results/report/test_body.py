from dataclasses import replace

from results.report import body as module
from results.report.body import body, parts


def places(part):
    return [case.record.position for case in part.cases]


def test_a_body_has_the_models_tables_and_the_cold_path(run, summaries):
    found = body(run, summaries)

    assert [table.title for table in found.tables] == ["lstm", "cnn [x]", "cold path"]
    assert (found.has_numbers, found.has_best, len(found.notes)) == (True, True, 9)


def test_a_body_without_numbers_has_none_of_what_explains_them(run):
    found = body(replace(run, cases=run.cases[3:4]), {})

    assert (found.has_numbers, found.has_best, found.notes) == (False, False, ())
    assert [table.title for table in found.tables] == ["lstm"]


def test_a_run_is_parted_by_model_and_a_model_by_rows(run, monkeypatch):
    monkeypatch.setattr(module, "PART_ROWS", 3)

    assert [places(part) for part in parts(run)] == [[0, 1, 2], [3], [4, 5, 6]]


def test_models_with_one_case_come_last_and_together(run):
    cases = [
        replace(case, record=replace(case.record, case=replace(case.record.case, model=name)))
        for case, name in zip(run.cases, "abaaccd", strict=True)
    ]

    assert [places(part) for part in parts(replace(run, cases=tuple(cases)))] == [
        [0, 2, 3],
        [4, 5],
        [1, 6],
    ]


def test_precision_and_work_stand_between_the_models_and_the_cold_path(
    judged_run, judged_summaries
):
    found = body(judged_run, judged_summaries)

    assert [table.title for table in found.tables] == [
        *("lstm", "peak", "copy"),
        *("precision and accuracy", "work", "cold path"),
    ]


def test_a_case_that_violated_its_gate_is_judged_though_nothing_was_measured(judged_run):
    found = body(replace(judged_run, cases=judged_run.cases[3:4]), {})

    assert [table.title for table in found.tables] == ["lstm", "precision and accuracy"]
