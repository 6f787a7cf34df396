import numpy as np
import pytest

MATRIX = "\nmatrix: {backend: fake, batch: 1}"
RELATIVE = "which is not there. Paths start from the suite's folder."


def model(text):
    return f"suite: rnn\nmodels: {{m: {{{text}}}}}{MATRIX}"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "builtin: mlp, dims: {x: [0, '1a', 2*s, null]}",
            [
                f"models.m.dims.x[{at}]: expected a size, a name, or an expression such as "
                f"'2*sequence', got {got}."
                for at, got in ((0, "0"), (1, "'1a'"), (3, "nothing"))
            ],
        ),
        ("builtin: mlp, dims: {x: 3}", ["models.m.dims.x: expected a list, got 3."]),
    ],
)
def test_wrong_dims_are_explained(problems, text, lines):
    assert problems(model(text)) == [f"rnn.yaml: {line}" for line in lines]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("{}", [": expected one of value, file, and low/high, got an empty mapping."]),
        ("{key: a}", [": expected one of value, file, and low/high, got key."]),
        (
            "{value: 1, low: 0}",
            [": expected one of value, file, and low/high, got value and low/high."],
        ),
        (
            "{valu: 1}",
            [": expected one of value, file, key, low, high, got 'valu'. Did you mean 'value'?"],
        ),
        ("{value: 1, key: a}", [".key: expected only beside file, got it beside value."]),
        ("{value: one}", [".value: expected a number, true or false, got 'one'."]),
        (
            "{low: true, high: 's+'}",
            [
                ".low: expected a number, or an expression such as 'sequence+1', got true.",
                ".high: expected a number, or an expression such as 'sequence+1', got 's+'.",
            ],
        ),
        ("{file: a.csv}", [".file: expected the path of a .npy or .npz file, got 'a.csv'."]),
        ("{file: a.npz}", [f".file: expected an array file, got 'a.npz', {RELATIVE}"]),
        (
            "{file: folder.npy}",
            [
                (
                    ".file: expected an array file, got 'folder.npy', which is a folder. "
                    "Name the file in it."
                )
            ],
        ),
        (
            "{file: there.npy, key: a}",
            [".key: expected none for a .npy file, got 'a'. Remove it."],
        ),
        ("{file: there.npy, key: 3}", [".key: expected the name of an array, got 3."]),
        ("3", [": expected a mapping, got 3."]),
    ],
)
def test_a_wrong_input_is_explained(problems, tmp_path, text, lines):
    np.save(tmp_path / "there.npy", np.ones(1))
    (tmp_path / "folder.npy").mkdir()

    found = problems(model(f"builtin: mlp, inputs: {{'x:0': {text}}}"))

    assert found == [f"rnn.yaml: models.m.inputs['x:0']{line}" for line in lines]
