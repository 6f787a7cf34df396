"""The options of one run on the device: whether it waits, and whether it is a CUDA graph's."""

from __future__ import annotations

import onnxruntime as ort

RUNS_TO_CAPTURE = 3
"""Two that allocate, and the one that is captured; later ones replay."""
_NO_GRAPH = "-1"
_GRAPH = "0"


def run_options(*, graph: bool, waits: bool) -> ort.RunOptions:
    """Return the options; without `waits` a run returns once it is on the device's stream.

    A `graph` is the session's only one, captured by the first `RUNS_TO_CAPTURE` such runs; it
    belongs to the thread that runs it. Sessions without `enable_cuda_graph` have none.
    """
    options = ort.RunOptions()
    options.add_run_config_entry("gpu_graph_id", _GRAPH if graph else _NO_GRAPH)
    if not waits:
        options.add_run_config_entry("disable_synchronize_execution_providers", "1")
    return options
