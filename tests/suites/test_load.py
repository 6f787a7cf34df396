import hashlib
import subprocess
import sys

import pytest

from engines.graph.signature import read_signature
from suites.errors import SuiteError
from suites.inputs import check_input_files
from suites.load import LIBRARY, load_suite, parse_suite, shipped
from suites.matrix import expand
from suites.models import builtin
from suites.models.packages import packages
from suites.suite import (
    AccuracyLimits,
    Axis,
    BuiltinSource,
    Calibration,
    FileDataset,
    FileInput,
    FileSource,
    FixedInput,
    Gate,
    Measure,
    Model,
    NamedDataset,
    PackageSource,
    RandomInput,
    Selection,
    Suite,
)

TEXT = """\
suite: rnn
description: everything that a suite can say
models:
  lstm: {builtin: lstm, hidden: 256, layers: 2, dataset: digits-rows}
  mine:
    onnx: models/mine.onnx
    dataset: {npz: batch.npz, inputs: {ids: words, mask: m}, labels: y, task: sequence, output: z}
    dims: {ids: [batch, sequence], state: [2, batch, 128]}
    inputs:
      ids: {low: 0, high: 30522}
      lengths: {low: 1, high: sequence+1}
      sr: {value: 16000}
      mask: {file: batch.npz, key: mask}
matrix:
  model: [lstm, mine]
  backend: [onnxruntime-cpu, fake]
  precision: [fp32, int8]
  batch: [1, 8]
  sequence: 16
  threads: 1
defaults: {tokens: 5, spinning: true}
exclude: [{model: mine, precision: int8, reason: "no"}, {batch: [1, 8], sequence: 16}]
include: [{model: lstm, batch: 256}]
require: onnxruntime-cpu
measure: {target: 2.5%, launches: 5, launch_s: 1, case_s: 60,
  timeout_s: 9.5, telemetry_s: 0, accuracy: true}
calibration: {samples: 100, method: entropy}
gate: {accuracy: {min_cosine: 99.9%, max_abs: 2, precision: {int8: {min_cosine: 0.98}, fp32: {}}}}
seed: 7
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "models").mkdir()
    for name in ("models/mine.onnx", "batch.npz"):
        (tmp_path / name).write_bytes(b"not read by load_suite")
    (tmp_path / "rnn.yaml").write_text(TEXT)
    return tmp_path


def test_a_suite_is_what_its_file_says(folder, vocabulary):
    path = folder / "rnn.yaml"

    assert load_suite(str(path), vocabulary) == Suite(
        name="rnn",
        path=path,
        sha256=hashlib.sha256(TEXT.encode()).hexdigest(),
        description="everything that a suite can say",
        models=(
            Model(
                name="lstm",
                source=BuiltinSource(name="lstm", params=(("hidden", 256), ("layers", 2))),
                dataset=NamedDataset(name="digits-rows"),
            ),
            Model(
                name="mine",
                source=FileSource(path=folder / "models/mine.onnx", given="models/mine.onnx"),
                dims=(("ids", ("batch", "sequence")), ("state", (2, "batch", 128))),
                inputs=(
                    ("ids", RandomInput(low=0, high=30522)),
                    ("lengths", RandomInput(low=1, high="sequence+1")),
                    ("sr", FixedInput(value=16000)),
                    (
                        "mask",
                        FileInput(path=folder / "batch.npz", given="batch.npz", key="mask"),
                    ),
                ),
                dataset=FileDataset(
                    path=folder / "batch.npz",
                    given="batch.npz",
                    inputs=(("ids", "words"), ("mask", "m")),
                    labels="y",
                    task="sequence",
                    output="z",
                ),
            ),
        ),
        matrix=(
            Axis(name="model", values=("lstm", "mine")),
            Axis(name="backend", values=("onnxruntime-cpu", "fake")),
            Axis(name="precision", values=("fp32", "int8")),
            Axis(name="batch", values=(1, 8)),
            Axis(name="sequence", values=(16,)),
            Axis(name="threads", values=(1,)),
        ),
        defaults=(("tokens", 5), ("spinning", True)),
        include=(Selection(where="include[0]", axes=(("model", ("lstm",)), ("batch", (256,)))),),
        exclude=(
            Selection(
                where="exclude[0]",
                axes=(("model", ("mine",)), ("precision", ("int8",))),
                reason="no",
            ),
            Selection(where="exclude[1]", axes=(("batch", (1, 8)), ("sequence", (16,)))),
        ),
        require=("onnxruntime-cpu",),
        measure=Measure(
            target=0.025,
            launches_min=5,
            launches_max=5,
            launch_s=1.0,
            case_s=60.0,
            timeout_s=9.5,
            telemetry_s=0.0,
            accuracy=True,
        ),
        calibration=Calibration(samples=100, method="entropy"),
        gate=Gate(
            accuracy=AccuracyLimits(min_cosine=pytest.approx(0.999), max_abs=2),
            by_precision=(("int8", AccuracyLimits(min_cosine=0.98)), ("fp32", AccuracyLimits())),
        ),
        seed=7,
    )


DOCS = LIBRARY.parents[1] / "docs" / "suites.md"


def test_the_example_of_the_docs_is_a_suite(folder, vocabulary):
    example = DOCS.read_text().split("```yaml\n")[1].split("```")[0]
    (folder / "docs.yaml").write_text(example)

    suite = load_suite(str(folder / "docs.yaml"), vocabulary)

    assert [model.name for model in suite.models] == ["lstm", "mine"]


def test_the_errors_of_the_docs_are_what_the_file_gives(problems):
    shown = DOCS.read_text().split("```\n")[-2].splitlines()
    text = (
        "suite: rnn\nmodels: {lstm: {builtin: lstm, hiden: 3}}\nmeasure: {target: 2}\n"
        "matrix: {backend: fake, batch: 1, precision: [fp32, f16]}\n"
    )

    assert sorted(problems(text)) == sorted(shown)


def test_models_and_precision_of_the_matrix_have_defaults(parse):
    suite = parse(
        "suite: s\nmodels: {b: {builtin: mlp}, a: {builtin: rnn}}\n"
        "matrix: {backend: fake, batch: 1}"
    )

    assert [(axis.name, axis.values) for axis in suite.matrix] == [
        ("model", ("b", "a")),
        ("precision", ("fp32",)),
        ("backend", ("fake",)),
        ("batch", (1,)),
    ]
    assert suite.measure == Measure()


@pytest.mark.parametrize("target", ["3%", "3 %", "0.03"])
def test_a_target_is_a_percentage_or_a_fraction(parse, target):
    suite = parse(
        f"suite: s\nmodels: {{a: {{builtin: mlp}}}}\nmatrix: {{backend: fake, batch: 1}}\n"
        f"measure: {{target: {target}}}"
    )

    assert suite.measure.target == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("document", "got"), [(None, "nothing"), ([], "an empty list"), ("suite", "'suite'")]
)
def test_a_document_must_be_a_mapping(tmp_path, vocabulary, document, got):
    with pytest.raises(SuiteError) as caught:
        parse_suite(
            document, where="bench", base=tmp_path, sha256="", path=None, vocabulary=vocabulary
        )
    assert str(caught.value) == (
        f"bench: expected a mapping with the keys suite, models and matrix, got {got}."
    )


def test_an_unknown_shipped_name_suggests_one(vocabulary):
    with pytest.raises(SuiteError) as caught:
        load_suite("smoek", vocabulary)
    assert str(caught.value) == (
        "suite: expected one of precision, precision-gpu, real, rnn, rnn-gpu, smoke, streams, "
        "transformer, transformer-gpu, vision, vision-gpu, or the path of a .yaml file, "
        "got 'smoek'. Did you mean 'smoke'?"
    )


def test_a_missing_file_is_an_error(tmp_path, vocabulary):
    path = str(tmp_path / "none.yaml")
    with pytest.raises(SuiteError) as caught:
        load_suite(path, vocabulary)
    assert str(caught.value) == f"{path}: expected a suite's file, got: no such file or directory."


@pytest.mark.parametrize("name", ["suites", "suites.yaml"])
def test_a_folder_is_no_suite(tmp_path, monkeypatch, vocabulary, name):
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)

    for path in (name, str(tmp_path / name)):
        with pytest.raises(SuiteError) as caught:
            load_suite(path, vocabulary)
        assert str(caught.value) == (
            f"{path}: expected a suite's file, got a folder. Name a .yaml file in it."
        )


def test_a_folder_does_not_hide_a_shipped_suite(tmp_path, monkeypatch, vocabulary):
    (tmp_path / "smoke").mkdir()
    monkeypatch.chdir(tmp_path)

    assert load_suite("smoke", vocabulary).path == LIBRARY / "smoke.yaml"


def test_a_name_that_no_file_can_have_is_an_unknown_suite(vocabulary):
    with pytest.raises(
        SuiteError, match=r"^suite: expected one of precision, precision-gpu, real, "
    ):
        load_suite("x" * 300, vocabulary)


def test_shipped_suites_are_listed_with_the_descriptions_of_their_files(gpu_vocabulary):
    assert {name for name, _ in shipped()} == {path.stem for path in LIBRARY.glob("*.yaml")}
    for name, description in shipped():
        suite = load_suite(name, gpu_vocabulary)
        assert (suite.name, suite.description) == (name, description)
        assert suite.path == LIBRARY / f"{name}.yaml"


def test_listing_the_shipped_suites_imports_no_yaml_and_no_pydantic():
    code = (
        "import sys; from suites.load import shipped; assert shipped(); "
        "sys.exit(bool({'pydantic', 'ruamel.yaml', 'numpy', 'onnx'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def signature_of(model):
    if isinstance(model.source, FileSource):
        return read_signature(model.source.path)
    if isinstance(model.source, PackageSource):
        return packages()[model.source.package].files[model.source.file].signature
    source = builtin.get(model.source.name)
    return source.signature(builtin.resolve(source, dict(model.source.params)))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("real", 11),
        ("rnn", 33),
        ("rnn-gpu", 69),
        ("smoke", 7),
        ("streams", 60),
        ("transformer", 12),
        ("transformer-gpu", 54),
        ("vision", 16),
        ("vision-gpu", 60),
    ],
)
def test_shipped_suites_expand_to_cases_that_all_run(gpu_vocabulary, name, count):
    suite = load_suite(name, gpu_vocabulary)
    signatures = {model.name: signature_of(model) for model in suite.models}

    planned = expand(suite, signatures, gpu_vocabulary)

    check_input_files(suite, planned, signatures)
    assert len(planned) == count
    assert [entry.skip for entry in planned] == [None] * count
    assert suite.path.read_text().startswith(f"# {count} cases")


def test_smoke_is_fixed_at_five_launches_and_holds_the_trained_model(vocabulary):
    smoke = load_suite("smoke", vocabulary)

    assert (smoke.measure.launches_min, smoke.measure.launches_max) == (5, 5)
    assert any(isinstance(model.source, FileSource) for model in smoke.models)
