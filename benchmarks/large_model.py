"""Whether a model above 2 GB, its weights in a file of their own, goes through `dyno bench`.

Bar: it is measured, and no process needs more memory than twice the weights and 1 GB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from cli_speed import dyno
from machine import heading
from onnx import TensorProto, helper

SIDE = 8192
LAYERS = 9
WEIGHT_BYTES = SIDE * SIDE * 4


def main() -> int:
    print(heading("dyno bench of a model with external data"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.onnx"
        write_model(path)
        start = time.monotonic()
        command = [dyno(), "bench", str(path), "--quick", "--backend", "onnxruntime-cpu"]
        done = subprocess.run([*command, "--store", folder], check=False)
        wall_s = time.monotonic() - start
        stored = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    weights_gb = LAYERS * WEIGHT_BYTES / 1e9
    peak_gb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
    print(f"  weights      {weights_gb:6.2f} GB")
    print(f"  wall time    {wall_s:6.1f} s")
    print(f"  peak memory  {peak_gb:6.2f} GB  bar: at most {2 * weights_gb + 1:.1f} GB")
    print(f"  left on disk {stored / 1e9:6.2f} GB, the model's own files among it")
    return done.returncode


def write_model(path: Path) -> None:
    """Write a chain of MatMul whose weights lie beside it, one layer in memory at a time."""
    generator = np.random.default_rng(0)
    with path.with_suffix(".data").open("wb") as stream:
        for _ in range(LAYERS):
            weight = generator.standard_normal((SIDE, SIDE), dtype=np.float32)
            (weight / np.float32(SIDE**0.5)).tofile(stream)
    names = ["x", *(f"h{layer}" for layer in range(1, LAYERS)), "y"]
    nodes = [
        helper.make_node("MatMul", [names[layer], f"w{layer}"], [names[layer + 1]])
        for layer in range(LAYERS)
    ]
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", SIDE])],
        [weight_beside(layer, path.with_suffix(".data").name) for layer in range(LAYERS)],
    )
    opsets = [helper.make_opsetid("", 21)]
    path.write_bytes(
        helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    )


def weight_beside(layer: int, location: str) -> onnx.TensorProto:
    """Return the tensor of a layer that refers to its part of the file."""
    tensor = TensorProto(
        name=f"w{layer}",
        data_type=TensorProto.FLOAT,
        dims=[SIDE, SIDE],
        data_location=TensorProto.EXTERNAL,
    )
    place = {"location": location, "offset": layer * WEIGHT_BYTES, "length": WEIGHT_BYTES}
    for key, value in place.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


if __name__ == "__main__":
    sys.exit(main())
