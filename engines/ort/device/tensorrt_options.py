"""The options of ONNX Runtime's TensorRT provider, and how they are spelled for it.

Precision has none: without its flags for types the provider builds strongly typed networks, in the
types of the graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import Option
from engines.cuda.options import OPTIONS as DEVICE_OPTIONS
from engines.ort.device.cuda_options import SESSION_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engines.contract import Site
    from suites.case import OptionValue

TENSORRT = "TensorrtExecutionProvider"
PROVIDER_OPTIONS = (
    Option(
        name="trt_builder_optimization_level",
        default=3,
        choices=(0, 1, 2, 3, 4, 5),
        help="how long TensorRT searches for tactics",
    ),
    Option(
        name="trt_max_workspace_size",
        default=0,
        minimum=0,
        help="bytes of device memory that a tactic may take; 0 is no limit",
    ),
    Option(
        name="trt_auxiliary_streams",
        default=-1,
        minimum=-1,
        help="streams that TensorRT may use beside the query's own; -1 is its choice",
    ),
)
OPTIONS = (*DEVICE_OPTIONS, *SESSION_OPTIONS, *PROVIDER_OPTIONS)
_OFF = ("trt_fp16_enable", "trt_bf16_enable", "trt_int8_enable")


def tensorrt_settings(
    options: Mapping[str, OptionValue], shapes: Mapping[str, Sequence[int]], plans: Path, site: Site
) -> dict[str, str]:
    """Return the provider's settings; each profile is exactly `shapes`, those of the inputs.

    Plans are kept beside the file `plans`, their names beginning with its name.
    """
    exact = ",".join(f"{name}:{'x'.join(map(str, dims))}" for name, dims in shapes.items() if dims)
    profiles = ("min", "opt", "max") if exact else ()
    return {
        **{option.name: str(options[option.name]) for option in PROVIDER_OPTIONS},
        **dict.fromkeys(_OFF, "0"),
        "device_id": "0",
        "trt_cuda_graph_enable": str(int(bool(options["cuda_graph"]))),
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(plans.parent),
        "trt_engine_cache_prefix": plans.name,
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(site.scratch),
        **{f"trt_profile_{bound}_shapes": exact for bound in profiles},
    }
