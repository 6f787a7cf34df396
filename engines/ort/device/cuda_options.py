"""The options of ONNX Runtime's CUDA provider, and how they are spelled for it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from engines.contract import Option
from engines.cuda.options import OPTIONS as DEVICE_OPTIONS
from engines.ort.options import GRAPH_OPTIMIZATION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suites.case import OptionValue

CUDA = "CUDAExecutionProvider"

CPU_FALLBACK = Option(
    name="cpu_fallback",
    default="forbid",
    choices=("forbid", "allow"),
    help="whether a case may run whose graph computes on the CPU in part",
)
SESSION_OPTIONS = (
    CPU_FALLBACK,
    replace(GRAPH_OPTIMIZATION, help="how far the graph is rewritten when the session is opened"),
)
PROVIDER_OPTIONS = (
    Option(
        name="cudnn_conv_algo_search",
        default="EXHAUSTIVE",
        choices=("EXHAUSTIVE", "HEURISTIC", "DEFAULT"),
        help="how cuDNN's convolution algorithms are chosen",
    ),
    Option(
        name="cudnn_conv_use_max_workspace",
        default=True,
        choices=(False, True),
        help="let cuDNN try algorithms whatever memory they take",
    ),
    Option(
        name="prefer_nhwc", default=False, choices=(False, True), help="run convolutions in NHWC"
    ),
    Option(
        name="fuse_conv_bias",
        default=False,
        choices=(False, True),
        help="let cuDNN fuse convolutions with what follows; compiled for each graph",
    ),
    Option(
        name="sdpa_kernel",
        default=0,
        minimum=0,
        help="bits of the attention kernels that may be used; 0 leaves it to ONNX Runtime",
    ),
    Option(
        name="tunable_op_enable",
        default=False,
        choices=(False, True),
        help="tune operators that can be on their first run",
    ),
    Option(
        name="arena_extend_strategy",
        default="kNextPowerOfTwo",
        choices=("kNextPowerOfTwo", "kSameAsRequested"),
        help="by how much device memory grows when it runs out",
    ),
    Option(
        name="gpu_mem_limit",
        default=0,
        minimum=0,
        help="bytes of device memory of each session's arena; 0 is no limit",
    ),
)
OPTIONS = (*DEVICE_OPTIONS, *SESSION_OPTIONS, *PROVIDER_OPTIONS)


def cuda_settings(options: Mapping[str, OptionValue], *, tf32: bool) -> dict[str, str]:
    """Return the provider's settings, all explicit; the stream is not among them.

    Copies inside the graph stay on the compute stream: elsewhere they race with it, as ONNX
    Runtime's documentation says, and dyno's events would not see them.
    """
    settings = {option.name: _spell(options[option.name]) for option in PROVIDER_OPTIONS}
    if not options["gpu_mem_limit"]:
        del settings["gpu_mem_limit"]
    return {
        **settings,
        "device_id": "0",
        "do_copy_in_default_stream": "1",
        "use_tf32": _spell(tf32),
        "tunable_op_tuning_enable": _spell(options["tunable_op_enable"]),
        "enable_cuda_graph": _spell(options["cuda_graph"]),
    }


def allow_tf32(*, allowed: bool) -> None:
    """Let NVIDIA's libraries use TF32 or not, in this process; call it before the first session.

    TensorRT uses it by default, and its provider has no option for that: TensorRT reads the
    variable when it builds. For CUDA's libraries it is a second lock beside `use_tf32`.
    """
    if allowed:
        os.environ.pop("NVIDIA_TF32_OVERRIDE", None)
    else:
        os.environ["NVIDIA_TF32_OVERRIDE"] = "0"


def _spell(value: OptionValue) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
