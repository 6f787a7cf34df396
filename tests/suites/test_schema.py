import pytest

MODELS = "suite: rnn\nmodels: {lstm: {builtin: lstm}, mlp: {builtin: mlp}}\n"
MATRIX = "matrix: {backend: fake, batch: 1}\n"


def matrix(text):
    return f"{MODELS}matrix: {{{text}}}"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            matrix("backend: fake, batch: 1, precision: [fp32, f16]"),
            [
                (
                    "rnn.yaml: matrix.precision[1]: expected one of fp32, tf32, fp16, bf16, int8, "
                    "int8-fp16, int8-dynamic, int8-scan, fp8, fp8-fp16, int4, fp64, got 'f16'. "
                    "Did you mean 'fp16'?"
                )
            ],
        ),
        (
            matrix("backend: onnxruntim-cpu, batch: 1"),
            [
                (
                    "rnn.yaml: matrix.backend: expected one of fake, onnxruntime-cpu, "
                    "got 'onnxruntim-cpu'. Did you mean 'onnxruntime-cpu'?"
                )
            ],
        ),
        (
            matrix("backend: fake, batch: 1, model: [lstm, lst]"),
            [
                (
                    "rnn.yaml: matrix.model[1]: expected one of lstm, mlp, got 'lst'. "
                    "Did you mean 'lstm'?"
                )
            ],
        ),
        (
            matrix("backend: fake, batch: [0, true, 1.0, '8', 3000000000]"),
            [
                "rnn.yaml: matrix.batch[0]: expected a whole number of at least 1, got 0.",
                "rnn.yaml: matrix.batch[1]: expected a whole number of at least 1, got true.",
                "rnn.yaml: matrix.batch[2]: expected a whole number of at least 1, got 1.0.",
                "rnn.yaml: matrix.batch[3]: expected a whole number of at least 1, got '8'.",
                (
                    "rnn.yaml: matrix.batch[4]: expected a whole number of at most 2147483647, "
                    "got 3000000000."
                ),
            ],
        ),
        (
            matrix("backend: fake, batch: [1, 8, 1]"),
            ["rnn.yaml: matrix.batch[2]: expected each value once, got 1 again. Remove it."],
        ),
        (
            matrix("backend: fake, batch: []"),
            ["rnn.yaml: matrix.batch: expected at least one value, got an empty list."],
        ),
        (
            matrix(""),
            [("rnn.yaml: matrix: expected the axes backend and batch too, got an empty mapping.")],
        ),
        (
            matrix("batch: 1"),
            ["rnn.yaml: matrix: expected the axes backend too, got batch."],
        ),
        (f"{MODELS}matrix:", ["rnn.yaml: matrix: expected a mapping, got nothing."]),
        (MODELS, ["rnn.yaml: expected the key 'matrix' too, got suite, models."]),
        (
            matrix("backend: fake, batch: 1, graph_optimisation: [all]"),
            [
                (
                    "rnn.yaml: matrix.graph_optimisation: expected one of model, backend, "
                    "precision, batch, threads, spinning, graph_optimization, speed, label or a "
                    "dimension with whole numbers, got 'graph_optimisation'. "
                    "Did you mean 'graph_optimization'?"
                )
            ],
        ),
        (
            matrix("backend: fake, batch: 1, 'a b': 3"),
            [
                (
                    "rnn.yaml: matrix['a b']: expected one of model, backend, "
                    "precision, batch, threads, spinning, graph_optimization, speed, label or a "
                    "dimension with whole numbers, got 'a b'."
                )
            ],
        ),
        (
            matrix("backend: fake, batch: 1, threads: 0, spinning: 1, speed: 0.1, label: a/b"),
            [
                "rnn.yaml: matrix.threads: expected a whole number of at least 1, got 0.",
                "rnn.yaml: matrix.spinning: expected one of false, true, got 1.",
                "rnn.yaml: matrix.speed: expected a number of at least 0.5, got 0.1.",
                (
                    "rnn.yaml: matrix.label: expected a name without '/', '=', ',' and spaces, "
                    "got 'a/b'. Those separate the parts of a case's id. Rename it."
                ),
            ],
        ),
    ],
)
def test_a_wrong_matrix_is_explained(problems, text, lines):
    assert problems(text) == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "exclude: [{model: lstn, reason: 3}]",
            [
                (
                    "rnn.yaml: exclude[0].model: expected one of lstm, mlp, got 'lstn'. "
                    "Did you mean 'lstm'?"
                ),
                "rnn.yaml: exclude[0].reason: expected text, got 3.",
            ],
        ),
        (
            "include: [{batch: 3, reason: late}]",
            ["rnn.yaml: include[0].reason: expected only in 'exclude'. Remove it."],
        ),
        ("exclude: [{}]", ["rnn.yaml: exclude[0]: expected at least one axis, got none."]),
        ("exclude: {model: lstm}", ["rnn.yaml: exclude: expected a list, got a mapping."]),
        ("exclude: [3]", ["rnn.yaml: exclude[0]: expected a mapping, got 3."]),
        (
            "require: [tensort]",
            ["rnn.yaml: require[0]: expected one of fake, onnxruntime-cpu, got 'tensort'."],
        ),
        (
            "require: onnxruntime-cpu",
            ["rnn.yaml: require[0]: expected a backend of the matrix, got 'onnxruntime-cpu'."],
        ),
        (
            "defaults: {batch: 3, sequence: 0, threads: [1]}",
            [
                (
                    "rnn.yaml: defaults.batch: expected a dimension or an option. "
                    "Give it in 'matrix' instead."
                ),
                "rnn.yaml: defaults.sequence: expected a whole number of at least 1, got 0.",
                "rnn.yaml: defaults.threads: expected a whole number of at least 1, got a list.",
            ],
        ),
        (
            "measure: {target: 2, launchs: 3, launches: {min: 3, max: 2}, launch_s: 0}",
            [
                (
                    "rnn.yaml: measure.target: expected a percentage such as 2% or a fraction, "
                    "got 2. Did you mean '2%'?"
                ),
                (
                    "rnn.yaml: measure: expected one of target, launches, launch_s, case_s, "
                    "timeout_s, telemetry_s, accuracy, got 'launchs'. Did you mean 'launches'?"
                ),
                "rnn.yaml: measure.launches: expected min to be at most max, got 3 and 2.",
                "rnn.yaml: measure.launch_s: expected a number above 0, got 0.",
            ],
        ),
        (
            "measure: {target: .inf, case_s: .nan}",
            [
                "rnn.yaml: measure.target: expected a finite number, got inf.",
                "rnn.yaml: measure.case_s: expected a finite number, got nan.",
            ],
        ),
        (
            "measure: {target: 2 percent, launches: [1], launch_s: fast, case_s: 90000}",
            [
                (
                    "rnn.yaml: measure.target: expected a percentage such as 2% or a fraction, "
                    "got '2 percent'."
                ),
                (
                    "rnn.yaml: measure.launches: expected a whole number from 1 to 1000, or a "
                    "mapping with min and max, got a list."
                ),
                "rnn.yaml: measure.launch_s: expected a number, got 'fast'.",
                "rnn.yaml: measure.case_s: expected a number of at most 86400, got 90000.",
            ],
        ),
        ("seed: -1", ["rnn.yaml: seed: expected a number of at least 0, got -1."]),
        (
            "seed: 9223372036854775808",
            [
                (
                    "rnn.yaml: seed: expected a number of at most 9223372036854775807, "
                    "got 9223372036854775808."
                )
            ],
        ),
        ("seed: true", ["rnn.yaml: seed: expected a whole number, got true."]),
        ("seed: 1.5", ["rnn.yaml: seed: expected a whole number, got 1.5."]),
        ("description: 3", ["rnn.yaml: description: expected text, got 3."]),
        ("gate: 2%", ["rnn.yaml: gate: expected a mapping, got '2%'."]),
        (
            "modles: {}",
            [
                (
                    "rnn.yaml: expected one of suite, description, models, matrix, defaults, "
                    "include, exclude, require, measure, calibration, gate, seed, got 'modles'. "
                    "Did you mean 'models'?"
                )
            ],
        ),
    ],
)
def test_other_wrong_keys_are_explained(problems, text, lines):
    assert problems(MODELS + MATRIX + text) == lines


def test_a_default_beside_an_axis_would_never_apply(problems):
    text = matrix("backend: fake, batch: 1, sequence: 3") + "\ndefaults: {sequence: 4}"

    assert problems(text) == [
        (
            "rnn.yaml: defaults.sequence: expected no default beside matrix.sequence. "
            "Remove one of them."
        )
    ]


@pytest.mark.parametrize("name", ["a/b", "a=b", "a,b", "a b", "a\\tb", ""])
def test_model_names_that_would_break_an_id_are_rejected(problems, name):
    text = f'suite: rnn\nmodels: {{"{name}": {{builtin: mlp}}}}\n{MATRIX}'
    shown = name.replace("\\t", "\t")

    assert problems(text) == [
        (
            f"rnn.yaml: models[{shown!r}]: expected a name without '/', '=', ',' and spaces, got "
            f"{shown!r}. Those separate the parts of a case's id. Rename it."
        )
    ]


@pytest.mark.parametrize("name", ["on", "off", "no", "yes", "y", "n", "[x]", "é", "a:b", "-"])
def test_words_of_older_yaml_and_odd_characters_are_names(parse, name):
    suite = parse(f'suite: rnn\nmodels: {{"{name}": {{builtin: mlp}}}}\n{MATRIX}')

    assert suite.models[0].name == name
    assert suite.matrix[0].values == (name,)


@pytest.mark.parametrize("name", ["on", "off", "no", "yes", "y", "n"])
def test_unquoted_words_of_older_yaml_are_text(parse, name):
    suite = parse(f"suite: {name}\nmodels:\n  {name}: {{builtin: mlp}}\n{MATRIX}")

    assert (suite.name, suite.models[0].name) == (name, name)


@pytest.mark.parametrize(("name", "shown"), [("null", "null"), ("true", "true"), ("7", "7")])
def test_keys_that_yaml_reads_as_something_else_must_be_quoted(problems, name, shown):
    text = f"suite: rnn\nmodels:\n  {name}: {{builtin: mlp}}\n{MATRIX}"

    assert problems(text) == [f"rnn.yaml: models: expected text as a key, got {shown}. Quote it."]


def test_all_problems_come_in_the_order_of_the_file(problems):
    text = (
        "measure: {target: 0}\n"
        "matrix: {batch: 0, backend: fakr}\n"
        "models: {lstm: {builtin: lstn}}\n"
        "suit: rnn\n"
    )

    assert [line.split(": expected")[0] for line in problems(text)] == [
        "rnn.yaml",
        "rnn.yaml: measure.target",
        "rnn.yaml: matrix.batch",
        "rnn.yaml: matrix.backend",
        "rnn.yaml: models.lstm.builtin",
        "rnn.yaml",
    ]
