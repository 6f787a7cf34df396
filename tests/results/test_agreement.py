import pytest

from results.accuracy import ClassScore
from results.agreement import Agreement, agreement, gained, size_ratio, weakest_class


def test_each_figure_is_that_of_the_output_it_is_worst_for(make_accuracy, make_parity):
    first = make_parity("a", max_abs=0.2, max_rel=0.1, cosine=0.99, snr_db=30.0, top1=0.9, nan=1)
    second = make_parity("b", max_abs=0.1, max_rel=0.3, cosine=0.95, snr_db=40.0, top1=0.95)
    flat = make_parity("c", max_abs=0.0, max_rel=0.0, cosine=1.0, snr_db=None, top1=None, inf=0)

    assert agreement(make_accuracy(parity=(first, second, flat))) == Agreement(
        max_abs=0.2, max_rel=0.3, cosine=0.95, snr_db=30.0, top1=0.9, nan=1, inf=2
    )


def test_outputs_without_a_finite_value_have_no_figures(make_accuracy, make_parity):
    names = ("max_abs", "max_rel", "cosine", "snr_db", "top1")
    lost = make_parity(**dict.fromkeys(names), nan=640, inf=0)

    found = agreement(make_accuracy(parity=(lost,)))

    assert [getattr(found, name) for name in names] == [None] * 5
    assert found.nan == 640


def test_without_parity_there_is_no_agreement(make_accuracy):
    assert agreement(make_accuracy(parity=())) is None


def test_the_weakest_class_has_the_least_f1(make_task):
    first = ClassScore(label="3", precision=0.2, recall=0.9, f1=0.33, support=10)
    second = ClassScore(label="8", precision=0.9, recall=0.5, f1=0.64, support=10)
    assert weakest_class(make_task(classes=(second, first))) == first
    assert weakest_class(make_task(classes=())) is None


@pytest.mark.parametrize(
    ("metrics", "reference", "expected"),
    [
        ({"accuracy": 0.5}, {"accuracy": 0.75}, -0.25),
        ({"exact_match": 0.5, "cer": 0.1}, {"exact_match": 0.25, "cer": 0.3}, 0.25),
        ({"accuracy": 0.5}, {}, None),
        ({"cer": 0.5}, {"cer": 0.25}, None),
    ],
)
def test_right_answers_are_held_against_the_reference_s(make_task, metrics, reference, expected):
    assert gained(make_task(metrics=metrics, reference=reference)) == expected


def test_the_size_of_no_weights_has_no_ratio():
    assert (size_ratio(400, 100), size_ratio(0, 0)) == (0.25, None)
