import numpy as np
import pytest

from suites.suite import FixedInput, PackageSource, PythonSource, RandomInput

MATRIX = "\nmatrix: {backend: fake, batch: 1}"
RELATIVE = "which is not there. Paths start from the suite's folder."
LONG = "x" * 300


def model(text):
    return f"suite: rnn\nmodels: {{m: {{{text}}}}}{MATRIX}"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["models.m: expected one of builtin, onnx and python, got an empty mapping."]),
        (
            "builtin: lstm, onnx: a.onnx",
            ["models.m: expected one of builtin, onnx and python, got builtin and onnx."],
        ),
        (
            "buitin: lstm",
            [
                (
                    "models.m: expected one of builtin, onnx and python, got buitin. "
                    "Did you mean 'builtin'?"
                )
            ],
        ),
        (
            "builtin: lstn",
            [
                (
                    "models.m.builtin: expected one of rnn, lstm, gru, stacked-lstm, bilstm-text, "
                    "mlp, cnn, detector, transformer, matmul-peak, copy-peak, got 'lstn'. "
                    "Did you mean 'lstm'?"
                )
            ],
        ),
        (
            "builtin: lstm, hiden: 3, layers: 0",
            [
                (
                    "models.m: expected builtin with hidden, layers, features, classes, dims, "
                    "inputs, dataset, got 'hiden'. Did you mean 'hidden'?"
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
                    "models.m.onnx.file: expected one of silero_vad_op18_ifless.onnx, "
                    "silero_vad.onnx, silero_vad_16k_sequence.onnx, got 'a.onnx'."
                )
            ],
        ),
        (
            "onnx: {package: silero, file: a.onnx}",
            [
                (
                    "models.m.onnx.package: expected one of silero-vad, rapidocr-onnxruntime, "
                    "basic-pitch, swift-f0, got 'silero'. Did you mean 'silero-vad'?"
                )
            ],
        ),
        (
            "onnx: {package: silero-vad, fil: silero_vad.onnx}",
            [
                (
                    "models.m.onnx: expected the keys package and file, got package, fil. "
                    "Did you mean 'file'?"
                )
            ],
        ),
        ("onnx: {}", ["models.m.onnx: expected the keys package and file, got an empty mapping."]),
        (
            "onnx: {package: swift-f0, file: 3}",
            ["models.m.onnx.file: expected one of model.onnx, got 3."],
        ),
        *(
            (
                f"python: {given}",
                [
                    (
                        "models.m.python: expected a module and a function such as "
                        f"'zoo.rnn:build', got {found}."
                    )
                ],
            )
            for given, found in (
                ("zoo", "'zoo'"),
                ("zoo:build.x", "'zoo:build.x'"),
                ("'zoo:'", "'zoo:'"),
                ("'zoo:build()'", "'zoo:build()'"),
                ("3", "3"),
            )
        ),
        *(
            (
                f"python: {given}",
                [
                    (
                        f"models.m.python: expected a module of yours, got {given!r}, which is in "
                        "a package of dyno's: engines, harness, results, suites. Rename your "
                        "module."
                    )
                ],
            )
            for given in ("results:build", "suites.zoo:build")
        ),
        (
            "python: zoo:build, args: 3",
            ["models.m.args: expected a mapping, got 3."],
        ),
        (
            "python: zoo:build, args: {a-b: 1, sizes: [1], note: null}",
            [
                "models.m.args: expected names of arguments, got 'a-b'.",
                ("models.m.args.sizes: expected text, a number, true or false, got a list."),
                "models.m.args.note: expected text, a number, true or false, got nothing.",
            ],
        ),
        (
            "python: zoo:build, hidden: 3, arg: {}",
            [
                "models.m: expected only python, args, dims, inputs, dataset, got 'hidden'.",
                (
                    "models.m: expected only python, args, dims, inputs, dataset, got 'arg'. "
                    "Did you mean 'args'?"
                ),
            ],
        ),
        (
            "onnx: 3",
            ["models.m.onnx: expected the path of a file, or package and file, got 3."],
        ),
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
            ["models.m: expected only onnx, dims, inputs, dataset, got 'hidden'."],
        ),
    ],
)
def test_a_wrong_model_is_explained(problems, tmp_path, text, lines):
    np.save(tmp_path / "there.npy", np.ones(1))
    (tmp_path / "folder").mkdir()

    assert problems(model(text)) == [f"rnn.yaml: {line}" for line in lines]


def test_a_model_of_a_package_brings_its_dims_and_values(parse):
    source = "onnx: {package: silero-vad, file: silero_vad_op18_ifless.onnx}"

    (found,) = parse(model(source)).models

    assert found.source == PackageSource(package="silero-vad", file="silero_vad_op18_ifless.onnx")
    assert found.dims == (("input", ("batch", 576)),)
    assert dict(found.inputs) == {
        "input": RandomInput(low=-1, high=1),
        "sr": FixedInput(value=16000),
        "state": RandomInput(low=-1, high=1),
    }


def test_a_suite_overrides_the_dims_and_values_of_a_package(parse):
    source = "onnx: {package: silero-vad, file: silero_vad_op18_ifless.onnx}"
    own = "dims: {input: [batch, 288]}, inputs: {sr: {value: 8000}}"

    (found,) = parse(model(f"{source}, {own}")).models

    assert found.dims == (("input", ("batch", 288)),)
    assert dict(found.inputs)["sr"] == FixedInput(value=8000)
    assert dict(found.inputs)["input"] == RandomInput(low=-1, high=1)


def test_a_function_is_named_with_the_folder_its_module_is_in_and_nothing_of_it_runs(
    parse, tmp_path
):
    (tmp_path / "zoo.py").write_text("raise SystemExit")

    (found,) = parse(model("python: zoo:build, args: {hidden: 64, kind: gru}")).models

    assert found.source == PythonSource(
        module="zoo",
        function="build",
        folder=tmp_path,
        args=(("hidden", 64), ("kind", "gru")),
    )
    assert found.source.given == "zoo:build"


def test_a_module_may_be_called_nearly_like_a_package_of_dynos(parse):
    (found,) = parse(model("python: zoo.results:build")).models

    assert found.source.module == "zoo.results"
