"""The options that ONNX Runtime backends share, and how they are set on a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import Option

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import onnxruntime as ort

    from suites.case import OptionValue

FP8 = ("fp8", "fp8-fp16")
"""The precisions whose graphs the CPU provider takes for int8 ones from `extended` on."""

QUANTIZES_BIASES = "WeightBiasQuantization"
"""The optimizer, from `basic` on, that rounds biases beside quantized factors to int32.

It reckons in the bias's own type: a half-precision quotient above 65504 becomes infinity, and then
any int32. Even in fp32 one above 2³¹ does, where a channel's weights are tiny. It is right in
kernels that add int32 to products of integers, and there alone.
"""
_INTEGER_KERNELS = ("int8", "int8-scan")

THREADS = Option(
    name="threads",
    default=1,
    minimum=1,
    help="intra-op threads; 1 because a pool on shared cores cannot be compared (docs/backends.md)",
)
SPINNING = Option(
    name="spinning",
    default=False,
    choices=(False, True),
    help="idle pool threads spin instead of sleeping; matters from threads = 2",
)
GRAPH_OPTIMIZATION = Option(
    name="graph_optimization",
    default="all",
    choices=("disabled", "basic", "extended", "layout", "all"),
    help="how far the graph is rewritten when the engine is built",
    by_precision=tuple((precision, "basic") for precision in FP8),
)
EXECUTION_MODE = Option(
    name="execution_mode",
    default="sequential",
    choices=("sequential", "parallel"),
    help="parallel runs independent branches on a second pool as wide as threads",
)
HOST_OPTIONS = (THREADS, SPINNING, GRAPH_OPTIMIZATION, EXECUTION_MODE)

_LEVELS = {
    "disabled": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "layout": "ORT_ENABLE_LAYOUT",
    "all": "ORT_ENABLE_ALL",
}
_FP8_LEVELS = ("disabled", "basic")
_ERRORS_ONLY = 3
_FLOAT_ACTIVATIONS = "1"
_OUTSIDE_BYTES = 1024


def session_options(options: Mapping[str, OptionValue], *, optimize: bool) -> ort.SessionOptions:
    """Return session options with every host option set explicitly.

    `optimize` False leaves the graph as it is, for one that a build has optimized already. Products
    with 4-bit weights keep their other operand in floats: by default it is rounded to int8.
    """
    import onnxruntime as ort

    result = ort.SessionOptions()
    level = str(options["graph_optimization"]) if optimize else "disabled"
    result.graph_optimization_level = getattr(ort.GraphOptimizationLevel, _LEVELS[level])
    result.intra_op_num_threads = int(options["threads"])
    parallel = options["execution_mode"] == "parallel"
    result.execution_mode = (
        ort.ExecutionMode.ORT_PARALLEL if parallel else ort.ExecutionMode.ORT_SEQUENTIAL
    )
    result.inter_op_num_threads = int(options["threads"]) if parallel else 1
    spin = "1" if options["spinning"] else "0"
    result.add_session_config_entry("session.intra_op.allow_spinning", spin)
    result.add_session_config_entry("session.inter_op.allow_spinning", spin)
    result.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", _FLOAT_ACTIVATIONS)
    result.log_severity_level = _ERRORS_ONLY
    return result


def refused_level(precision: str, options: Mapping[str, OptionValue]) -> str | None:
    """Return that the CPU provider takes no such graph at that level of optimization, or None.

    Above `basic` it fuses fp8's quantization into operators of integers, and then refuses those.
    Its setting against that, `session.disable_quant_qdq`, gives wrong numbers instead.
    """
    level = options["graph_optimization"]
    if precision not in FP8 or level in _FP8_LEVELS:
        return None
    return (
        f"graph_optimization={level} makes ONNX Runtime take {precision} for int8 on the CPU; "
        "use basic or disabled"
    )


def keeps_biases(precision: str) -> bool:
    """Return whether the CPU provider has no kernel that wants a graph's biases in int32."""
    return precision not in _INTEGER_KERNELS


def keep_int8_signed(options: ort.SessionOptions) -> None:
    """Let integer kernels take int8 as it is, for a graph with products inside and outside a body.

    Else each is rewritten for uint8, under one name in both: such a file does not load again.
    """
    options.add_session_config_entry("session.qdqisint8allowed", "1")


def keep_weights_outside(options: ort.SessionOptions, path: Path) -> None:
    """Let the optimized model of `path` keep its weights in a file beside it.

    Without that it refers to the original's file by a path that its own folder does not have, and
    a model above 2 GB could not be written at all.
    """
    prefix = "session.optimized_model_external_initializers_file_"
    options.add_session_config_entry(f"{prefix}name", f"{path.name}.data")
    options.add_session_config_entry(f"{prefix}min_size_in_bytes", str(_OUTSIDE_BYTES))
