"""A stand-in for TensorRT-RTX 1.7: see `tensorrt`, whose files it is made of."""

from tensorrt.surface import expose

__version__ = expose(globals(), "tensorrt_rtx", "1.7")
