import pytest

from suites.suite import Calibration

SUITE = "suite: s\nmodels: {a: {builtin: mlp}}\nmatrix: {backend: fake, batch: 1}\n"


def test_a_suite_that_is_silent_calibrates_on_64_samples_by_minmax(parse):
    assert parse(SUITE).calibration == Calibration(samples=64, method="minmax")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("64", "calibration: expected a mapping, got 64."),
        ("{samples: 0}", "calibration.samples: expected a number of at least 1, got 0."),
        (
            "{samples: 100001}",
            "calibration.samples: expected a number of at most 100000, got 100001.",
        ),
        ("{samples: 1.5}", "calibration.samples: expected a whole number, got 1.5."),
        (
            "{method: MinMax}",
            (
                "calibration.method: expected one of minmax, entropy, percentile, got 'MinMax'. "
                "Did you mean 'minmax'?"
            ),
        ),
        (
            "{sample: 3}",
            "calibration: expected one of samples, method, got 'sample'. Did you mean 'samples'?",
        ),
    ],
)
def test_a_wrong_calibration_is_explained(problems, text, line):
    assert problems(f"{SUITE}calibration: {text}") == [f"rnn.yaml: {line}"]
