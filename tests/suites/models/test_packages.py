import subprocess
import sys
from pathlib import PurePosixPath

import pytest

from suites.case import Case
from suites.inputs import make_inputs
from suites.models.packages import packages
from suites.shapes import dimension_names, model_signature
from suites.signature import Signature, TensorSpec
from suites.suite import FixedInput, Model, PackageSource, RandomInput

FILES = [file for package in packages().values() for file in package.files.values()]


@pytest.fixture(params=FILES, ids=lambda file: f"{file.package}/{file.name}")
def file(request):
    return request.param


def as_model(file):
    return Model(
        name="m",
        source=PackageSource(package=file.package, file=file.name),
        dims=file.dims,
        inputs=file.values,
    )


def test_a_file_is_called_as_in_its_wheel_and_known_by_its_hash(file):
    assert PurePosixPath(file.path).name == file.name
    assert set(file.sha256) <= set("0123456789abcdef")
    assert len(file.sha256) == 64
    assert 100_000 < file.size_bytes < 20_000_000


def test_a_file_has_all_that_a_case_needs(file):
    model = as_model(file)
    applied = model_signature(model, file.signature, "suite")
    sizes = dict(applied.defaults)

    assert set(dimension_names(applied)) - {"batch"} == set(sizes)
    case = Case(
        model="m", backend="fake", precision="fp32", batch=2, dims=tuple(sorted(sizes.items()))
    )
    arrays = make_inputs(model, file.signature, case, 0)
    assert {name: str(array.dtype) for name, array in arrays.items()} == {
        spec.name: spec.dtype for spec in file.signature.inputs
    }


def test_every_input_has_values_like_those_it_was_made_for(file):
    assert {name for name, _ in file.values} == {spec.name for spec in file.signature.inputs}


def test_the_facts_of_a_file_are_read_as_the_values_of_a_suite():
    file = packages()["silero-vad"].files["silero_vad.onnx"]

    assert (file.package, file.version, file.precision) == ("silero-vad", "6.2.3", "fp32")
    assert file.signature == Signature(
        inputs=(
            TensorSpec(name="input", dtype="float32", dims=(None, None)),
            TensorSpec(name="state", dtype="float32", dims=(2, None, 128)),
            TensorSpec(name="sr", dtype="int64", dims=()),
        ),
        outputs=(
            TensorSpec(name="output", dtype="float32", dims=(None, 1)),
            TensorSpec(name="stateN", dtype="float32", dims=(None, None, None)),
        ),
    )
    assert file.dims == (("input", ("batch", 576)), ("state", (2, "batch", 128)))
    assert file.values == (
        ("input", RandomInput(low=-1, high=1)),
        ("state", RandomInput(low=-1, high=1)),
        ("sr", FixedInput(value=16000)),
    )


def test_reading_the_facts_takes_the_standard_library_only():
    code = (
        "import sys; from suites.models.packages import packages; assert packages(); "
        "sys.exit(bool({'pydantic', 'ruamel.yaml', 'numpy', 'onnx'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
