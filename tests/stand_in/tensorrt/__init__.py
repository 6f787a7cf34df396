"""A stand-in for TensorRT: real classes and members of a version, over the simulated machine.

The version is that of `DYNO_STAND_IN_TENSORRT`, such as 10.13 (default 11.4): what its bindings
lack is an AttributeError here. Plans hold the ONNX model, and ONNX Runtime computes on the CPU. It
refuses what TensorRT refuses, in its words. `SIMULATED_FAIL` takes the words `tensorrt-build`,
`tensorrt-memory` (no room for a context), `tensorrt-shapes` (they cannot be inferred),
`tensorrt-execute` (a query is refused), `tensorrt-capturable` (RTX: the context cannot be
captured), `tensorrt-kernels` (RTX: kept kernels are refused) and `tensorrt-serialize` (RTX: there
are none to keep).
"""

import os

from tensorrt.surface import expose

__version__ = expose(globals(), "tensorrt", os.environ.get("DYNO_STAND_IN_TENSORRT", "11.4"))
