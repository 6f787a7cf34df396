"""Whether TensorRT-RTX opens a plan on the device at hand, also one that it has no target for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import onnx

from engines.trt.messages import Messages
from suites.models.builtin import get, resolve

MODEL = "mlp"


def plans_that_open() -> dict[str, bool]:
    """Return, for a plan without a target and one of each target, whether the runtime takes it.

    Empty where tensorrt_rtx is not installed.
    """
    try:
        import tensorrt_rtx as trt
    except ImportError:
        return {}
    logger = Messages(trt).logger
    targets = [
        name for name in trt.ComputeCapability.__members__ if name not in ("NONE", "CURRENT")
    ]
    model = get(MODEL)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model.build(resolve(model, {"features": 64, "hidden": 64})), path)
        return {
            target or "none": _opens(trt, logger, path, target) for target in ("", *sorted(targets))
        }


def _opens(trt: Any, logger: Any, path: Path, target: str) -> bool:
    builder = trt.Builder(logger)
    flag = trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED
    network = builder.create_network(1 << int(flag))
    parser = trt.OnnxParser(network, logger)
    parser.parse_from_file(str(path))
    config = builder.create_builder_config()
    profile = builder.create_optimization_profile()
    tensor = network.get_input(0)
    shape = tuple(1 if size < 0 else size for size in tuple(tensor.shape))
    profile.set_shape(tensor.name, shape, shape, shape)
    config.add_optimization_profile(profile)
    if target:
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(trt.ComputeCapability, target), 0)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        return False
    return trt.Runtime(logger).deserialize_cuda_engine(plan) is not None
