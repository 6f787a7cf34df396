"""ONNX's own node cases through dyno: prepare, build, open, one query, and its outputs compared.

Each case brings its model, inputs, expected outputs and tolerances. Prints how many match, and by
name those that do not: `not fed` (sequences, optionals, text), `refused` with the failure's kind,
and `differs`. `--json FILE` writes a line a case instead, as they are done, so that a crash tells
which one it was. Bar: the 18 RNN, GRU and LSTM cases and 300 others match or are refused by name.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from machine import heading
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

from engines.backends.onnxruntime_cpu import OnnxRuntimeCpu
from engines.contract import Device, EngineError, PreparedModel, Site
from harness.prepare.worker import prepare
from suites.case import Case

SITE = Site(device=Device(kind="cpu"), scratch=Path("unused"))
CASE = Case(model="m", backend="onnxruntime-cpu", precision="fp32", batch=1)
RECURRENT = ("RNN", "GRU", "LSTM")
MATCHES, DIFFERS, NOT_FED = "matches", "differs", "not fed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of a case. `group` is `matches`, `differs`, `not fed`, or a failure's kind."""

    name: str
    group: str
    message: str
    recurrent: bool


def findings(folder: Path) -> Iterator[Finding]:
    """Return what becomes of every case, in ONNX's order."""
    backend = OnnxRuntimeCpu()
    backend.load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        cases = collect_testcases(None)
    gc.freeze()  # a session's end collects garbage, and these arrays make that slow
    for case in cases:
        group, message = outcome(case, backend, folder)
        ops = {node.op_type for node in case.model.graph.node}
        recurrent = not ops.isdisjoint(RECURRENT)
        yield Finding(name=case.name, group=group, message=message, recurrent=recurrent)


def outcome(case: Any, backend: OnnxRuntimeCpu, folder: Path) -> tuple[str, str]:
    """Return the case's group, and what is to be said of it."""
    [(given, expected)] = case.data_sets
    inputs = arrays([value.name for value in case.model.graph.input], given)
    wanted = arrays([value.name for value in case.model.graph.output], expected)
    for name, value in (inputs | wanted).items():
        if not isinstance(value, np.ndarray):
            return NOT_FED, f"{name!r} is no tensor"
        if value.dtype.kind in "OSUT":
            return NOT_FED, f"{name!r} is text"
    try:
        got = run(case.model, backend, inputs, folder)
    except EngineError as error:
        return error.kind, error.message
    wrong = [name for name in wanted if not same(got.get(name), wanted[name], case)]
    return (DIFFERS, f"in {', '.join(map(repr, wrong))}") if wrong else (MATCHES, "")


def arrays(names: list[str], values: list[Any]) -> dict[str, Any]:
    """Return the values by name: tensors as arrays, the rest as it is."""
    return {name: as_array(value) for name, value in zip(names, values, strict=True)}


def as_array(value: Any) -> Any:
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    return np.asarray(value) if isinstance(value, np.generic) else value


def run(
    model: onnx.ModelProto, backend: OnnxRuntimeCpu, inputs: Mapping[str, Any], folder: Path
) -> Mapping[str, Any]:
    """Return the outputs of one query. Raises EngineError."""
    source, engine_path = folder / "case.onnx", folder / "case.engine"
    onnx.save(model, source)
    stored = prepare({"file": str(source), "folder": str(folder / "models")}).header
    path = Path(stored["path"])
    prepared = PreparedModel(
        path=path, sha256=stored["sha256"], external_data=stored["external_data"]
    )
    engine = backend.build(prepared, CASE, engine_path, SITE)
    with backend.open(engine, CASE, inputs, SITE) as session:
        try:
            session.enqueue[0]()
        except Exception as error:
            raise backend.explain(error) from error
        return session.outputs()


def same(got: Any, wanted: Any, case: Any) -> bool:
    """Return whether type, shape and values agree within the case's own tolerances."""
    if got is None or got.dtype != wanted.dtype or got.shape != wanted.shape:
        return False
    if wanted.dtype.isbuiltin != 1:
        got, wanted = got.astype(np.float32), wanted.astype(np.float32)
    return bool(np.allclose(got, wanted, rtol=case.rtol, atol=case.atol, equal_nan=True))


def write_json(path: Path, folder: Path) -> None:
    with path.open("w", encoding="utf-8") as stream:
        for finding in findings(folder):
            stream.write(json.dumps(asdict(finding)) + "\n")
            stream.flush()


def show(folder: Path) -> None:
    print(heading("ONNX's node cases"))
    start = time.monotonic()
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings(folder):
        groups[finding.group].append(finding)
    for group in sorted(groups, key=lambda group: (group != MATCHES, group)):
        recurrent = sum(finding.recurrent for finding in groups[group])
        print(f"  {group:<24} {len(groups[group]):5}   RNN, GRU and LSTM: {recurrent}")
    print(f"  {'seconds':<24} {time.monotonic() - start:5.0f}")
    for group, found in sorted(groups.items()):
        if group != MATCHES:
            print(f"\n{group}")
            for finding in found:
                print(f"  {finding.name}: {finding.message}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if arguments.json:
            write_json(arguments.json, Path(name))
        else:
            show(Path(name))


if __name__ == "__main__":
    sys.exit(main())
