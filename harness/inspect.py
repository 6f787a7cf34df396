"""What a suite's models take and are, before anything is measured."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.fetch import fetch_command, fetched_path, fetched_state
from harness.folders import DEFAULT_STORE, resolved
from results.record import Failed, Skipped
from suites.errors import SuiteError
from suites.shapes import model_signature
from suites.suite import BuiltinSource, FileSource, PackageSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.signature import Signature
    from suites.suite import Model, PythonSource, Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A model's signature, its `dims` applied, and the precision that its file has.

    `path` is its file, None where dyno makes it from parameters; `weights_bytes` are those of its
    initializers, 0 where it was not read. `outcome` is that of all its cases where it cannot be
    used; None where it can.
    """

    signature: Signature
    precision: str
    path: Path | None = None
    weights_bytes: int = 0
    outcome: Skipped | Failed | None = None


def inspect_models(
    suite: Suite, *, store: Path = DEFAULT_STORE, keep: bool = False
) -> dict[str, Inspected]:
    """Return what each model of the suite is. Raises SuiteError for what is no model.

    Models of Python functions are built for that: into the store where `keep` says so, else into a
    folder that is gone when this returns.
    """
    with _folder(store, keep=keep) as folder:
        return {model.name: _inspect(model, suite, store, folder) for model in suite.models}


@contextmanager
def _folder(store: Path, *, keep: bool) -> Iterator[Path]:
    """Yield where models of functions are built."""
    if keep:
        yield resolved(store) / "models"
        return
    with tempfile.TemporaryDirectory(prefix="dyno-") as name:
        yield Path(name) / "models"


def _inspect(model: Model, suite: Suite, store: Path, folder: Path) -> Inspected:
    if isinstance(model.source, BuiltinSource):
        found = _builtin(model.source)
    elif isinstance(model.source, PackageSource):
        found = _package(model.source, store)
    elif isinstance(model.source, FileSource):
        found = _file(model.source.path, f"{suite.where}: models.{model.name}.onnx")
    else:
        found = _python(model, model.source, suite, folder)
    return Inspected(
        signature=model_signature(model, found.signature, suite.where),
        precision=found.precision,
        path=found.path,
        weights_bytes=found.weights_bytes,
        outcome=found.outcome,
    )


def _builtin(source: BuiltinSource) -> Inspected:
    from suites.models.builtin import get, resolve

    builtin = get(source.name)
    signature = builtin.signature(resolve(builtin, dict(source.params)))
    return Inspected(signature=signature, precision="fp32")


def _package(source: PackageSource, store: Path) -> Inspected:
    """Return what is known of the file, fetched or not."""
    from suites.models.packages import packages

    file = packages()[source.package].files[source.file]
    state = fetched_state(store, file)
    what = f"{file.package} {file.version}"
    if state == "damaged":
        what = f"{file.name} of {what}"
    missing = Skipped(reason=f"{what} is {state}. Run {fetch_command(file.package, store)}")
    return Inspected(
        signature=file.signature,
        precision=file.precision,
        path=fetched_path(store, file),
        outcome=None if state == "fetched" else missing,
    )


def _file(path: Path, where: str) -> Inspected:
    from engines.graph.errors import GraphError
    from engines.graph.precision import own_precision
    from engines.graph.signature import load_graph, read_signature
    from engines.graph.weights import weights_bytes

    try:
        model = load_graph(path, where=where)
        signature = read_signature(model, where=where)
    except GraphError as error:
        raise SuiteError(str(error)) from None
    return Inspected(
        signature=signature,
        precision=own_precision(model),
        path=path,
        weights_bytes=weights_bytes(model),
    )


def _python(model: Model, source: PythonSource, suite: Suite, folder: Path) -> Inspected:
    from harness.python_model import build_python

    where = f"{suite.where}: models.{model.name}.python"
    built = build_python(
        model, source, folder=folder, where=where, timeout_s=suite.measure.timeout_s
    )
    found = _file(built.path, where)
    wrong = None
    if built.mismatch:
        wrong = Failed(
            kind="invalid-model",
            message=f"{source.given}: {built.mismatch}",
            hint="An export freezes branches on values and sizes. Name under dims what varies.",
        )
    return Inspected(
        signature=found.signature,
        precision=found.precision,
        path=built.path,
        weights_bytes=found.weights_bytes,
        outcome=wrong,
    )
