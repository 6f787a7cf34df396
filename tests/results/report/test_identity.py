from results.record import CaseRecord
from results.report.identity import axes, case_numbers
from suites.case import Case


def record(position, *, batch=1, dims=(), given=(), **options):
    case = Case(
        model="m", backend="tensorrt", precision="fp16", batch=batch, dims=dims, options=given
    )
    return CaseRecord(position=position, case=case, options={**dict(given), **options})


def test_what_varies_is_a_column_and_what_does_not_is_a_phrase():
    varying, shared = axes(
        [
            record(0, batch=1, dims=(("sequence", 16),), threads=1),
            record(1, batch=8, dims=(("sequence", 16),), threads=1),
        ]
    )

    assert [(axis.name, axis.texts, axis.is_number) for axis in varying] == [
        ("batch", ("1", "8"), True)
    ]
    assert [axis.phrase for axis in shared] == ["tensorrt", "fp16", "sequence=16", "threads=1"]


def test_an_option_that_one_case_was_given_is_compared_with_the_others_defaults():
    given = (("cuda_graph", True),)
    varying, _ = axes([record(0, given=given), record(1, cuda_graph=False, l2="hot")])

    assert [(axis.name, axis.texts, axis.is_number) for axis in varying] == [
        ("cuda_graph", ("true", "false"), True)
    ]


def test_options_that_no_case_was_given_are_left_out():
    varying, shared = axes([record(0, l2="hot"), record(1, l2="flushed")])

    assert varying == ()
    assert [axis.name for axis in shared] == ["backend", "precision", "batch"]


def test_a_dimension_that_a_case_does_not_have_is_a_dash():
    varying, _ = axes([record(0, dims=(("sequence", 16),)), record(1)])

    assert [(axis.name, axis.texts) for axis in varying] == [("sequence", ("16", "—"))]


def test_cases_are_called_by_number_and_three_in_a_row_as_a_range():
    assert case_numbers([0]) == "#1"
    assert case_numbers([0, 1, 3]) == "#1, #2, #4"
    assert case_numbers([0, 1, 2, 3, 6, 8, 9, 10]) == "#1–#4, #7, #9–#11"


def test_of_many_cases_the_last_ones_are_counted():
    assert case_numbers(range(0, 86, 2)).endswith(", #77, #79 and 3 more")
    assert case_numbers(range(1000)) == "#1–#1000"
