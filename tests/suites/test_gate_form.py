import numpy as np
import pytest

from suites.suite import AccuracyLimits, Gate

SUITE = "suite: s\nmodels: {a: {builtin: mlp}}\nmatrix: {backend: fake, batch: 1}\n"
FRACTION = "expected a percentage such as 98% or a fraction from 0 to 1, got "
RATIO = "expected a percentage such as 2% or a number of at least 0, got "
LIMITS = (
    "min_cosine, max_abs, max_rel, min_snr_db, min_top1, min_accuracy, min_f1, min_exact_match, "
    "max_cer, max_accuracy_drop"
)


def test_a_suite_without_a_gate_asks_for_nothing(parse):
    assert parse(SUITE).gate == Gate(latency=0.02, accuracy=AccuracyLimits(), by_precision=())


@pytest.mark.parametrize(
    ("given", "latency"),
    [("2%", 0.02), ("0.5 %", 0.005), ("0.05", 0.05), ("150e-4", 0.015), ("99%", 0.99)],
)
def test_the_smallest_change_of_latency_is_a_percentage_or_a_fraction(parse, given, latency):
    assert parse(f"{SUITE}gate: {{latency: {given}}}").gate == Gate(latency=latency)


def test_latency_and_accuracy_stand_side_by_side(parse):
    suite = f"{SUITE}gate: {{accuracy: {{min_cosine: 0.99}}, latency: 3%}}"
    assert parse(suite).gate == Gate(latency=0.03, accuracy=AccuracyLimits(min_cosine=0.99))


def test_latency_needs_no_answers(parse):
    suite = f"{SUITE}measure: {{accuracy: false}}\ngate: {{latency: 3%}}"
    assert parse(suite).gate.latency == 0.03


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("2", "2. Did you mean '2%'?"),
        ("1", "1. Did you mean '1%'?"),
        ("0", "0."),
        ("0%", "'0%'."),
        ("-2%", "'-2%'."),
        ("100%", "'100%'."),
        ("300", "300."),
        ("true", "true."),
        ("small", "'small'."),
        ("null", "nothing."),
        ("[2%]", "a list."),
        ("{p50: 2%}", "a mapping."),
    ],
)
def test_a_smallest_change_that_is_none_is_explained(problems, given, found):
    expected = "expected a percentage such as 2% or a fraction"
    text = f"{SUITE}gate: {{latency: {given}}}"
    assert problems(text) == [f"rnn.yaml: gate.latency: {expected}, got {found}"]


@pytest.fixture
def scored(tmp_path):
    """A suite whose models are scored, one on a classification, one on sequences."""
    np.savez(tmp_path / "v.npz", x=np.zeros(2))
    keys = "npz: v.npz, inputs: {x: x}, labels: y, task"
    models = [
        f"{task}: {{builtin: mlp, dataset: {{{keys}: {task}}}}}"
        for task in ("classification", "sequence")
    ]
    return f"suite: s\nmodels: {{{', '.join(models)}}}\nmatrix: {{backend: fake, batch: 1}}\n"


def test_percentages_are_fractions_where_they_make_sense(parse, scored):
    given = (
        "min_cosine: 1, max_abs: 0.5, max_rel: 150%, min_snr_db: -3, min_top1: 99%, "
        "min_accuracy: 0.9, min_f1: 0, min_exact_match: 100%, max_cer: 1.5, max_accuracy_drop: 2%"
    )

    assert parse(f"{scored}gate: {{accuracy: {{{given}}}}}").gate.accuracy == AccuracyLimits(
        min_cosine=1,
        max_abs=0.5,
        max_rel=1.5,
        min_snr_db=-3,
        min_top1=0.99,
        min_accuracy=0.9,
        min_f1=0,
        min_exact_match=1,
        max_cer=1.5,
        max_accuracy_drop=0.02,
    )


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "{latncy: 2%, acuracy: {}}",
            [
                "gate: expected one of latency, accuracy, got 'latncy'. Did you mean 'latency'?",
                "gate: expected one of latency, accuracy, got 'acuracy'. Did you mean 'accuracy'?",
            ],
        ),
        ("{throughput: 2%}", ["gate: expected one of latency, accuracy, got 'throughput'."]),
        (
            "{accuracy: 0.9, latency: 5}",
            [
                "gate.accuracy: expected a mapping, got 0.9.",
                (
                    "gate.latency: expected a percentage such as 2% or a fraction, got 5. "
                    "Did you mean '5%'?"
                ),
            ],
        ),
        ("{accuracy: 0.9}", ["gate.accuracy: expected a mapping, got 0.9."]),
        (
            "{accuracy: {min_cosin: 1}}",
            [
                (
                    f"gate.accuracy: expected one of {LIMITS}, precision, got 'min_cosin'. "
                    "Did you mean 'min_cosine'?"
                )
            ],
        ),
        (
            "{accuracy: {max_cer: -1%, min_top1: 98, min_cosine: 1.5, max_abs: 2%, max_rel: true}}",
            [
                f"gate.accuracy.max_cer: {RATIO}'-1%'.",
                f"gate.accuracy.min_top1: {FRACTION}98. Did you mean '98%'?",
                f"gate.accuracy.min_cosine: {FRACTION}1.5. Did you mean '1.5%'?",
                "gate.accuracy.max_abs: expected a number of at least 0, got '2%'.",
                f"gate.accuracy.max_rel: {RATIO}true.",
            ],
        ),
        (
            "{accuracy: {min_snr_db: high}}",
            ["gate.accuracy.min_snr_db: expected a number, got 'high'."],
        ),
        (
            "{accuracy: {precision: [int8]}}",
            ["gate.accuracy.precision: expected a mapping, got a list."],
        ),
        (
            "{accuracy: {precision: {int5: {}}}}",
            [
                (
                    "gate.accuracy.precision: expected one of fp32, tf32, fp16, bf16, int8, "
                    "int8-fp16, int8-dynamic, int8-scan, fp8, fp8-fp16, int4, fp64, got 'int5'. "
                    "Did you mean 'int8'?"
                )
            ],
        ),
        (
            "{accuracy: {precision: {int4: 0.9, int8: {precision: {}, min_f1: 2}}}}",
            [
                "gate.accuracy.precision.int4: expected a mapping, got 0.9.",
                f"gate.accuracy.precision.int8: expected one of {LIMITS}, got 'precision'.",
                f"gate.accuracy.precision.int8.min_f1: {FRACTION}2. Did you mean '2%'?",
            ],
        ),
    ],
)
def test_a_wrong_gate_is_explained(problems, text, lines):
    assert problems(f"{SUITE}gate: {text}") == [f"rnn.yaml: {line}" for line in lines]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "gate: {accuracy: {min_accuracy: 0.9, max_cer: 0.1, min_cosine: 0.9}}",
            [
                (
                    "gate.accuracy.min_accuracy: expected a model with a dataset whose task is "
                    "classification, got none. Give a model one, or remove the limit."
                ),
                (
                    "gate.accuracy.max_cer: expected a model with a dataset whose task is "
                    "sequence, got none. Give a model one, or remove the limit."
                ),
            ],
        ),
        (
            "gate: {accuracy: {precision: {fp32: {min_f1: 0.9}, int4: {min_cosine: 0.9}}}}",
            [
                (
                    "gate.accuracy.precision: expected a precision that cases have, fp32, got "
                    "'int4'. Add it to matrix.precision, or remove it."
                ),
                (
                    "gate.accuracy.precision.fp32.min_f1: expected a model with a dataset whose "
                    "task is classification, got none. Give a model one, or remove the limit."
                ),
            ],
        ),
        (
            "measure: {accuracy: false}\ngate: {accuracy: {min_cosine: 0.9}}",
            [
                (
                    "gate.accuracy: expected only where answers are checked, got "
                    "measure.accuracy: false. Remove one of them."
                )
            ],
        ),
    ],
)
def test_a_gate_that_nothing_can_miss_is_an_error(problems, text, lines):
    assert problems(SUITE + text) == [f"rnn.yaml: {line}" for line in lines]


def test_a_precision_of_included_cases_has_limits_too(parse):
    suite = (
        f"{SUITE}include: [{{precision: int4}}]\n"
        "gate: {accuracy: {precision: {int4: {min_cosine: 0.9}}}}"
    )
    assert parse(suite).gate.by_precision == (("int4", AccuracyLimits(min_cosine=0.9)),)


def test_a_data_set_that_has_a_name_is_a_classification(parse):
    suite = SUITE.replace("mlp", "mlp, dataset: digits-rows")
    limits = parse(f"{suite}gate: {{accuracy: {{min_f1: 0.9}}}}").gate.accuracy
    assert limits == AccuracyLimits(min_f1=0.9)
