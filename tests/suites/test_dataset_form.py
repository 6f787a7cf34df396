import pytest

from suites.suite import FileDataset, NamedDataset

KEYS = "npz, inputs, labels, task, output"
NAMES = "digits-rows, fashion-mnist, sms-spam"


def suite(dataset):
    return (
        f"suite: s\nmodels: {{m: {{builtin: lstm, dataset: {dataset}}}}}\n"
        "matrix: {backend: fake, batch: 1}"
    )


@pytest.fixture(autouse=True)
def files(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "val.npz").write_bytes(b"not read by load_suite")


def test_a_data_set_is_a_name(parse):
    assert parse(suite("sms-spam")).models[0].dataset == NamedDataset(name="sms-spam")


def test_a_data_set_without_labels_only_calibrates(parse, tmp_path):
    found = parse(suite("{npz: val.npz, inputs: {x: images}}")).models[0].dataset

    assert found == FileDataset(
        path=tmp_path / "val.npz", given="val.npz", inputs=(("x", "images"),)
    )


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "digit-rows",
            [
                (
                    f": expected one of {NAMES}, or a mapping with npz and inputs, "
                    "got 'digit-rows'. Did you mean 'digits-rows'?"
                )
            ],
        ),
        (
            "val.npz",
            [
                (
                    f": expected one of {NAMES}, or a mapping with npz and inputs, got 'val.npz'. "
                    "Write {npz: val.npz, inputs: …}, with the array's name for each input."
                )
            ],
        ),
        (
            "",
            [f": expected one of {NAMES}, or a mapping with npz and inputs, got nothing."],
        ),
        (
            "{}",
            [f": expected one of {NAMES}, or a mapping with npz and inputs, got an empty mapping."],
        ),
        (
            "{npz: val.npz, inputs: {x: a}, label: y}",
            [f": expected one of {KEYS}, got 'label'. Did you mean 'labels'?"],
        ),
        ("{inputs: {x: a}}", [": expected the key 'npz' too, got inputs."]),
        ("{npz: val.npz}", [": expected the key 'inputs' too, got npz."]),
        (
            "{npz: val.npz, inputs: {x: a}, labels: y}",
            [": expected the key 'task' beside 'labels', got npz, inputs, labels."],
        ),
        (
            "{npz: val.npz, inputs: {x: a}, task: sequence}",
            [": expected the key 'labels' beside 'task', got npz, inputs, task."],
        ),
        (
            "{npz: val.npz, inputs: {x: a}, output: z}",
            [".output: expected only beside labels. Remove it."],
        ),
        (
            "{npz: val.npy, inputs: [x], labels: 1, task: regression, output: 2}",
            [
                ".npz: expected the path of a .npz file, got 'val.npy'.",
                (
                    ".inputs: expected the name of an array for each input, such as {x: images}, "
                    "got a list."
                ),
                ".labels: expected the name of an array, got 1.",
                ".task: expected one of classification, sequence, got 'regression'.",
                ".output: expected the name of an output, got 2.",
            ],
        ),
        (
            "{npz: none.npz, inputs: {'x:0': 3}}",
            [
                (
                    ".npz: expected a .npz file, got 'none.npz', which is not there. "
                    "Paths start from the suite's folder."
                ),
                ".inputs['x:0']: expected the name of an array, got 3.",
            ],
        ),
        (
            "{npz: folder.npz, inputs: {x: a}, labels: y, task: clasification}",
            [
                (
                    ".npz: expected a .npz file, got 'folder.npz', which is a folder. "
                    "Name the file in it."
                ),
                (
                    ".task: expected one of classification, sequence, got 'clasification'. "
                    "Did you mean 'classification'?"
                ),
            ],
        ),
    ],
)
def test_a_wrong_data_set_is_explained(problems, text, lines):
    assert problems(suite(text)) == [f"rnn.yaml: models.m.dataset{line}" for line in lines]
