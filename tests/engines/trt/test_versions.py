"""The whole adapter over every version's own members: one that a version lacks is a failure."""

from dataclasses import replace

import numpy as np
import pytest

from engines.backends.tensorrt import TensorRt
from engines.backends.tensorrt_rtx import TensorRtRtx

VERSIONS = {
    "10.13": "10.13.3.9",
    "10.16": "10.16.1.11",
    "11.0": "11.0.0.114",
    "11.4": "11.4.0.106",
}
EVERYTHING = {
    "workspace": 1 << 20,
    "aux_streams": 2,
    "min_batch": 1,
    "opt_batch": 2,
    "max_batch": 4,
    "streams": 2,
    "queue_depth": 2,
    "transfers": "copied",
}


def run_everything(backend, model, asked, site, rows, path):
    """Build, open, infer, capture, profile; return what the session says of itself."""
    assert backend.unavailable() is None
    backend.load()
    engine = backend.build(model, asked, path, site)
    again = backend.build(model, asked, path, site)
    assert again.facts["sha256"] == engine.facts["sha256"]
    with backend.open(engine, asked, {"x": rows}, site) as session:
        run_slots(session)
        session.capture()
        run_slots(session)
        assert np.array_equal(session.outputs()["y"], rows + 1)
        assert session.profile()
        return session.facts()


def run_slots(session):
    for calls in (session.copy_in, session.enqueue, session.copy_out, session.fence, session.wait):
        for call in calls:
            call()


@pytest.mark.parametrize("precision", ["fp32", "tf32"])
@pytest.mark.parametrize("version", VERSIONS)
def test_the_adapter_runs_over_tensorrt(
    version, precision, add, case, site, rows, tmp_path, standing_in
):
    standing_in(version=version)
    asked = case(precision=precision, optimization_level=2, **EVERYTHING)
    facts = run_everything(TensorRt(), add, asked, site, rows, tmp_path / "plan")
    assert facts.runtime_version == VERSIONS[version]


def test_the_adapter_runs_over_tensorrt_rtx(add, case, site, rows, tmp_path, standing_in):
    standing_in(sm="sm120")
    there = replace(site, device=replace(site.device, sm="sm120"))
    asked = case("tensorrt-rtx", **EVERYTHING)
    facts = run_everything(TensorRtRtx(), add, asked, there, rows, tmp_path / "plan")
    assert facts.runtime_version == "1.7.1.116"


@pytest.mark.parametrize(
    ("version", "owner", "member"),
    [
        ("11.4", "ICudaEngine", "device_memory_size"),
        ("10.13", "IBuilderConfig", "build_route"),
        ("10.16", "ComputeCapability", "SM86"),
    ],
)
def test_what_a_version_lacks_its_stand_in_lacks(version, owner, member, standing_in):
    standing_in(version=version)
    import tensorrt

    with pytest.raises(AttributeError):
        getattr(getattr(tensorrt, owner)(), member)


@pytest.mark.parametrize("version", ["10.13", "11.4"])
def test_a_setting_that_only_another_version_has_is_refused(version, standing_in):
    standing_in(version=version)
    import tensorrt

    assert hasattr(tensorrt.BuilderFlag, "FP16") == (version == "10.13")
    with pytest.raises(AttributeError):
        tensorrt.Builder(None).create_builder_config().int8_calibration = 1


def test_the_extract_of_tensorrt_rtx_is_that_of_the_installed_one():
    trt = pytest.importorskip("tensorrt_rtx")
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    surface = Path(__file__).parents[2] / "stand_in" / "tensorrt" / "surface.py"
    spec = spec_from_file_location("surface", surface)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    version, classes, enums = module.extract("tensorrt_rtx", "1.7")
    if trt.__version__ != version:
        pytest.skip(f"the extract is of {version}")
    for name, members in enums.items():
        assert list(getattr(trt, name).__members__) == members
    for name, (_, members) in classes.items():
        assert all(hasattr(getattr(trt, name), member) for member in members)
