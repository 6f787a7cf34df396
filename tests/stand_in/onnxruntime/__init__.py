"""Stands in for onnxruntime-gpu on the simulated machine, over the real onnxruntime of the CPU.

The real package's own files run under this name, and then some of its names are replaced.
"""

import sys
from importlib.machinery import PathFinder
from pathlib import Path

_here = Path(__file__).resolve().parent


def _real_package():
    elsewhere = [path for path in sys.path if Path(path or ".").resolve() != _here.parent]
    return PathFinder.find_spec("onnxruntime", elsewhere)


_spec = _real_package()
if _spec is None:
    raise ModuleNotFoundError("the stand-in needs the real onnxruntime", name="onnxruntime")
__path__ = [*_spec.submodule_search_locations, str(_here)]
__file__ = _spec.origin
exec(compile(Path(_spec.origin).read_text("utf-8"), _spec.origin, "exec"))  # noqa: S102

from onnxruntime import on_device  # noqa: E402

globals().update(on_device.replacements(sys.modules[__name__]))
