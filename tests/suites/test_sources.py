import numpy as np
import pytest

MATRIX = "\nmatrix: {backend: fake, batch: 1}"
RELATIVE = "which is not there. Paths start from the suite's folder."
LONG = "x" * 300


def model(text):
    return f"suite: rnn\nmodels: {{m: {{{text}}}}}{MATRIX}"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["models.m: expected one of builtin and onnx, got an empty mapping."]),
        (
            "builtin: lstm, onnx: a.onnx",
            ["models.m: expected one of builtin and onnx, got builtin and onnx."],
        ),
        (
            "buitin: lstm",
            [("models.m: expected one of builtin and onnx, got buitin. Did you mean 'builtin'?")],
        ),
        (
            "builtin: lstn",
            [
                (
                    "models.m.builtin: expected one of rnn, lstm, gru, stacked-lstm, bilstm-text, "
                    "mlp, cnn, detector, transformer, got 'lstn'. Did you mean 'lstm'?"
                )
            ],
        ),
        (
            "builtin: lstm, hiden: 3, layers: 0",
            [
                (
                    "models.m: expected builtin with hidden, layers, features, classes, dims, "
                    "inputs, got 'hiden'. Did you mean 'hidden'?"
                ),
                (
                    "models.m.layers: expected an integer from 1 on, got 0. "
                    "It is the number of layers; the default is 1."
                ),
            ],
        ),
        (
            "builtin: transformer, heads: 3",
            [
                (
                    "models.m: expected heads that divide the width 256, got 3. "
                    "Give a width that is a multiple of heads."
                )
            ],
        ),
        (
            "onnx: {package: silero-vad, file: a.onnx}",
            [
                (
                    "models.m.onnx: expected the path of a file, got a mapping with 'package'. "
                    "Models from packages and functions are not supported yet."
                )
            ],
        ),
        ("onnx: 3", ["models.m.onnx: expected the path of a file, got 3."]),
        ("onnx: a.onnx", [f"models.m.onnx: expected an ONNX file, got 'a.onnx', {RELATIVE}"]),
        (
            "onnx: folder",
            [
                (
                    "models.m.onnx: expected an ONNX file, got 'folder', which is a folder. "
                    "Name the file in it."
                )
            ],
        ),
        (
            f"onnx: {LONG}",
            [
                (
                    f"models.m.onnx: expected an ONNX file, got '{LONG}', which cannot be read: "
                    "file name too long."
                )
            ],
        ),
        *(
            (
                f"onnx: {given}",
                [
                    (
                        f"models.m.onnx: expected an ONNX file, got '{given}', which is not there. "
                        "Did you mean the built-in 'lstm'?"
                    )
                ],
            )
            for given in ("lstm", "lstmm", "lstm.onnx")
        ),
        (
            "onnx: models/lstm.onnx",
            [f"models.m.onnx: expected an ONNX file, got 'models/lstm.onnx', {RELATIVE}"],
        ),
        (
            "onnx: there.npy, hidden: 3",
            ["models.m: expected only onnx, dims, inputs, got 'hidden'."],
        ),
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
def test_a_wrong_model_is_explained(problems, tmp_path, text, lines):
    np.save(tmp_path / "there.npy", np.ones(1))
    (tmp_path / "folder").mkdir()

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
