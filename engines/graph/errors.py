"""The exception for files that hold no usable graph."""

from __future__ import annotations


class GraphError(Exception):
    """A file is no ONNX model, or one that dyno cannot feed. The message is one line."""
