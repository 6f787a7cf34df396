"""Stands in for cuda-bindings on the simulated machine."""

__version__ = "13.0.0"
