"""The device backends give the CPU's answers, whichever way they are driven.

Each check also runs over the stand-ins, so that it is known to work before it meets a device.
"""

from importlib.util import find_spec

import numpy as np
import onnx
import pytest

from engines import registry
from engines.contract import Device, PreparedModel, Site
from engines.cuda import driver
from engines.precision.recipe import Calibration
from engines.precision.recipes import RECIPES
from harness.timing import make_loop
from suites.case import Case
from suites.inputs import make_inputs
from suites.models import builtin
from suites.suite import BuiltinSource, FixedInput, Model

RUNTIMES = {
    "onnxruntime-cuda": "onnxruntime",
    "tensorrt": "tensorrt",
    "tensorrt-rtx": "tensorrt_rtx",
}
WAYS = {
    "plain": {},
    "copied": {"transfers": "copied"},
    "graph": {"cuda_graph": True},
    "streams": {"streams": 2, "queue_depth": 2},
    "flushed": {"l2": "flushed"},
    "blocking": {"sync": "block"},
}
SIMULATED = Device(
    kind="cuda",
    name="Simulated GPU",
    uuid="GPU-00000000-5171-4a7e-8000-00000000c0de",
    sm="sm89",
    driver="580.65.06",
)
MODELS = ("lstm", "cnn", "transformer")
COSINES = {"fp16": 0.9999, "bf16": 0.999, "int8": 0.999, "fp8": 0.99}
"""The least cosine with the CPU's fp32 answers; those of docs/precision.md, fp8's by its table."""
FIXED = {"mask": FixedInput(value=True)}
QUERIES = 5
CPU = Device(kind="cpu")


PLACES = [
    *(("stand-in", name) for name in RUNTIMES),
    *(
        pytest.param(("device", name), marks=pytest.mark.gpu)
        for name, module in RUNTIMES.items()
        if find_spec(module)
    ),
]


@pytest.fixture(params=PLACES, ids="-".join)
def backend(request):
    """A backend and the device that it is to run on."""
    place, name = request.param
    found = registry.get(name)
    if place == "stand-in":
        request.getfixturevalue("simulated_ort")
        request.getfixturevalue("standing_in")(sm=SIMULATED.sm)
        return found, SIMULATED
    if (reason := driver.missing() or found.unavailable()) is not None:
        pytest.skip(reason)
    device = driver.find()
    if (reason := found.cannot_build(device)) is not None:
        pytest.xfail(reason)
    return found, device


@pytest.fixture(params=MODELS)
def model(request, tmp_path):
    """A built-in model as a file, and inputs for two samples."""
    source = builtin.get(request.param)
    params = builtin.resolve(source, {})
    path = tmp_path / "model.onnx"
    onnx.save(source.build(params), path)
    signature = source.signature(params)
    names = {spec.name for spec in signature.inputs}
    given = tuple((name, value) for name, value in FIXED.items() if name in names)
    suite_model = Model(name=request.param, source=BuiltinSource(name=request.param), inputs=given)
    case = case_of("onnxruntime-cpu", request.param)

    def make(seed):
        return make_inputs(suite_model, signature, case, seed)

    return PreparedModel(path=path, sha256="0" * 64), request.param, make


def case_of(backend, model, precision="fp32", **options):
    dims = () if model == "cnn" else (("sequence", 16),)
    return Case(
        model=model,
        backend=backend,
        precision=precision,
        batch=2,
        dims=dims,
        options=tuple(options.items()),
    )


def answers(backend, device, model, folder, precision="fp32", **options):
    """Return the outputs of a session that the timing loop has driven."""
    prepared, name, make = model
    inputs = make(0)
    case = case_of(backend.name, name, precision, **options)
    if (reason := backend.unsupported(case, device)) is not None:
        pytest.skip(reason)
    folder.mkdir()
    site = Site(device=device, scratch=folder)
    engine = backend.build(prepared, case, folder / "engine", site)
    with backend.open(engine, case, inputs, site) as session:
        if options.get("cuda_graph"):
            session.capture()
        timings = make_loop(session)(QUERIES)()
        assert len(timings.wall_ns) >= QUERIES
        return session.outputs()


@pytest.mark.parametrize("way", WAYS)
def test_the_answers_are_those_of_the_cpu(backend, model, tmp_path, way):
    found, device = backend
    expected = answers(registry.get("onnxruntime-cpu"), CPU, model, tmp_path / "cpu")
    outputs = answers(found, device, model, tmp_path / "device", **WAYS[way])
    assert set(outputs) == set(expected)
    for name, output in outputs.items():
        np.testing.assert_allclose(output, expected[name], rtol=1e-3, atol=1e-4)


def converted(model, precision, folder):
    """Return the model at a precision, calibrated on samples that it is not asked about."""
    prepared, name, make = model
    calibration = Calibration(samples=[make(seed) for seed in range(1, 5)], method="minmax")
    made = RECIPES[precision].load()(onnx.load(prepared.path), calibration)
    path = folder / f"{precision}.onnx"
    onnx.save(made.model, path)
    return PreparedModel(path=path, sha256="0" * 64), name, make


@pytest.mark.parametrize("model", ["lstm", "cnn"], indirect=True)
@pytest.mark.parametrize("precision", COSINES)
def test_the_answers_of_a_precision_are_near_those_of_fp32_on_the_cpu(
    backend, model, tmp_path, precision
):
    found, device = backend
    expected = answers(registry.get("onnxruntime-cpu"), CPU, model, tmp_path / "cpu")
    asked = converted(model, precision, tmp_path)
    outputs = answers(found, device, asked, tmp_path / "device", precision)
    assert set(outputs) == set(expected)
    for name, output in outputs.items():
        a, b = (np.ravel(array).astype(np.float64) for array in (output, expected[name]))
        assert a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) >= COSINES[precision], name
