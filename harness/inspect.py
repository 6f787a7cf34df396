"""What a suite's models take and are, before anything is built or run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from suites.errors import SuiteError
from suites.shapes import model_signature
from suites.suite import BuiltinSource, FileSource

if TYPE_CHECKING:
    from suites.signature import Signature
    from suites.suite import Model, Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A model's signature, its `dims` applied, and the precision that its file has."""

    signature: Signature
    precision: str


def inspect_models(suite: Suite) -> dict[str, Inspected]:
    """Return what each model of the suite is. Raises SuiteError for a file that is no model."""
    return {model.name: _inspect(model, suite) for model in suite.models}


def _inspect(model: Model, suite: Suite) -> Inspected:
    if isinstance(model.source, BuiltinSource):
        signature, precision = _builtin(model.source)
    else:
        signature, precision = _file(model.source, f"{suite.where}: models.{model.name}.onnx")
    applied = model_signature(model, signature, suite.where)
    return Inspected(signature=applied, precision=precision)


def _builtin(source: BuiltinSource) -> tuple[Signature, str]:
    from suites.models.builtin import get, resolve

    builtin = get(source.name)
    return builtin.signature(resolve(builtin, dict(source.params))), "fp32"


def _file(source: FileSource, where: str) -> tuple[Signature, str]:
    from engines.graph.errors import GraphError
    from engines.graph.precision import own_precision
    from engines.graph.signature import load_graph, read_signature

    try:
        model = load_graph(source.path, where=where)
        return read_signature(model, where=where), own_precision(model)
    except GraphError as error:
        raise SuiteError(str(error)) from None
