import pytest

SUITE = "suite: s\nmodels: {a: {builtin: mlp}}\nmatrix: {backend: fake, batch: 1}\n"
TARGET = "measure.target: expected a percentage such as 2% or a fraction, got "
LAUNCHES = (
    "measure.launches: expected a whole number from 1 to 1000, or a mapping with min and max, got "
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("target: 200%", f"{TARGET}'200%'."),
        ("target: 0%", f"{TARGET}'0%'."),
        ("target: 100 %", f"{TARGET}'100 %'."),
        ("target: 2", f"{TARGET}2. Did you mean '2%'?"),
        ("target: 2.5", f"{TARGET}2.5. Did you mean '2.5%'?"),
        ("target: 200", f"{TARGET}200."),
        ("target: true", f"{TARGET}true."),
        ("launches: -1", f"{LAUNCHES}-1."),
        ("launches: 1001", f"{LAUNCHES}1001."),
        ("launches: true", f"{LAUNCHES}true."),
        ("launches: 5.0", f"{LAUNCHES}5.0."),
        ("launches: many", f"{LAUNCHES}'many'."),
        ("launches: null", f"{LAUNCHES}nothing."),
        (
            "launches: {max: 0}",
            "measure.launches.max: expected a number of at least 1, got 0.",
        ),
        ("launch_s: true", "measure.launch_s: expected a number, got true."),
        ("timeout_s: 1e-9", "measure.timeout_s: expected a number of at least 1, got 1e-09."),
        ("timeout_s: 0.5", "measure.timeout_s: expected a number of at least 1, got 0.5."),
        ("telemetry_s: -1", "measure.telemetry_s: expected a number of at least 0, got -1."),
        ("telemetry_s: off", "measure.telemetry_s: expected a number, got 'off'."),
        ("accuracy: off", "measure.accuracy: expected true or false, got 'off'."),
        (
            "{launch_s: 20, timeout_s: 20}",
            ("measure.launch_s: expected less than timeout_s, got 20 and 20. Raise timeout_s."),
        ),
        (
            "launch_s: 301.5",
            ("measure.launch_s: expected less than timeout_s, got 301.5 and 300. Raise timeout_s."),
        ),
    ],
)
def test_a_wrong_measure_is_one_line_that_echoes_what_was_written(problems, text, line):
    given = text if text.startswith("{") else f"{{{text}}}"

    assert problems(f"{SUITE}measure: {given}") == [f"rnn.yaml: {line}"]


def test_the_shortest_timeout_is_a_second(parse):
    measure = parse(f"{SUITE}measure: {{timeout_s: 1, launches: 1000}}").measure

    assert (measure.timeout_s, measure.launches_min, measure.launches_max) == (1.0, 1000, 1000)


def test_answers_are_checked_unless_the_suite_says_no(parse):
    assert parse(SUITE).measure.accuracy
    assert not parse(f"{SUITE}measure: {{accuracy: false}}").measure.accuracy
