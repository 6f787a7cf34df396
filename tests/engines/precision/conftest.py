"""What every recipe's tests share: the built-in models, and running and building what it makes.

Fixtures are functions, since tests of this tree cannot import each other.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest

import suites
from engines.contract import Device, PreparedModel, Site
from engines.graph.signature import read_signature
from engines.precision.recipe import Calibration
from suites.case import Case
from suites.inputs import make_inputs
from suites.models.builtin import get, resolve
from suites.suite import BuiltinSource, Model, RandomInput
from suites.suite import Calibration as SuiteCalibration

DIGITS = "digits-lstm"
"""The name of the trained model among the families; the others are those of `builtins()`."""

BATCH = 4
DEFAULT = SuiteCalibration()
TRAINED = Path(suites.__file__).parent / "library" / "trained" / "digits_lstm.onnx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A model at its default sizes; `dims` are those of its named dimensions but `batch`."""

    name: str
    data: bytes
    signature: object
    dims: tuple[tuple[str, int], ...]

    @property
    def model(self):
        """A new copy on each use."""
        return onnx.load_from_string(self.data)

    def inputs(self, seed=0, batch=BATCH):
        """Return seeded values of every input, as a suite makes them; those of digits are 0…1."""
        model = Model(name=self.name, source=BuiltinSource(name=self.name), inputs=self._ranges())
        case = Case(
            model=self.name,
            backend="onnxruntime-cpu",
            precision="fp32",
            batch=batch,
            dims=self.dims,
        )
        return make_inputs(model, self.signature, case, seed)

    def calibration(self, samples=DEFAULT.samples, method=DEFAULT.method):
        """Return what a suite calibrates on that says nothing of it."""
        given = tuple(self.inputs(-1 - k, batch=1) for k in range(samples))
        return Calibration(samples=given, method=method)

    def _ranges(self):
        return (("rows", RandomInput(low=0.0, high=1.0)),) if self.name == DIGITS else ()


@cache
def find_family(name):
    if name == DIGITS:
        data = TRAINED.read_bytes()
        return Family(name=name, data=data, signature=read_signature(TRAINED), dims=())
    builtin = get(name)
    sizes = resolve(builtin, {})
    signature = builtin.signature(sizes)
    data = builtin.build(sizes).SerializeToString(deterministic=True)
    return Family(name=name, data=data, signature=signature, dims=signature.defaults)


@pytest.fixture
def family_of():
    """Return a function that gives the Family of a name: `builtins()` and `digits-lstm`."""
    return find_family


@pytest.fixture
def run_on_cpu():
    """Return a function that runs a model on ONNX Runtime's CPU and returns outputs by name.

    `basic` is for fp8, which other optimizations make wrong.
    """
    onnxruntime = pytest.importorskip("onnxruntime")

    def run(model, inputs, *, basic=False):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        if basic:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(None, dict(inputs)), strict=True))

    return run


@pytest.fixture
def build_for(tmp_path):
    """Return a function that builds a model by TensorRT-RTX and returns the plans' sizes in bytes.

    `targets` are such as ("sm86", "sm89"); `dims` the sizes of named dimensions but `batch`.
    """
    pytest.importorskip("tensorrt_rtx")
    from engines.backends.tensorrt_rtx import TensorRtRtx

    def build(model, targets, *, dims=(), batch=BATCH, precision="fp32"):
        path = tmp_path / "model.onnx"
        onnx.save(model, path)
        prepared = PreparedModel(path=path, sha256="0" * 64)
        case = Case(
            model="m", backend="tensorrt-rtx", precision=precision, batch=batch, dims=tuple(dims)
        )
        sizes = []
        for sm in targets:
            site = Site(device=Device(kind="cuda", sm=sm), scratch=tmp_path)
            engine = TensorRtRtx().build(prepared, case, tmp_path / f"plan.{sm}", site)
            sizes.append(engine.path.stat().st_size)
        return tuple(sizes)

    return build


@pytest.fixture
def cosine():
    """Return a function: the cosine of the angle between two arrays, as float64."""

    def measure(a, b):
        a, b = (np.asarray(x, np.float64).ravel() for x in (a, b))
        return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))

    return measure
