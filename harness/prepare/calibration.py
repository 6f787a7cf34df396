"""What a model is calibrated on: samples of its data set, else seeded inputs, as one file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.prepare.inputs import digest, is_whole, save
from suites.datasets.feeding import batch_of, data_sizes
from suites.inputs import make_inputs
from suites.suite import FileInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from harness.folders import Folders
    from harness.inspect import Inspected
    from suites.case import Case
    from suites.datasets.samples import Samples
    from suites.suite import Calibration, Model

    Arrays = Mapping[str, NDArray[np.generic]]

MOST_BYTES = 128 << 20
"""What the samples of a model may take together; fewer than asked for calibrate where that is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFile:
    """Samples in a file: entry `sample{k}input{j}` is sample k's array of name j.

    `told` says what they are, for people.
    """

    path: Path
    sha256: str
    samples: int
    names: tuple[str, ...]
    dtypes: tuple[str, ...]
    method: str
    told: str


def store_calibration(
    model: Model,
    inspected: Inspected,
    case: Case,
    wanted: Calibration,
    samples: Samples | None,
    folders: Folders,
) -> CalibrationFile:
    """Return the file that the model's recipes calibrate on: samples, or seeded inputs without any.

    Inputs that are not of the samples are seeded, at the sizes of `case` or those that the samples
    have, and of batch 1 unless the suite gives a file for an input. Raises SuiteError, and OSError
    naming the file that cannot be written.
    """
    drawn = _draw(model, inspected, case, wanted.samples, samples)
    found = _fitting(drawn)
    source = "seeded inputs" if samples is None else f"samples of {samples.name}"
    most = wanted.samples if samples is None else min(wanted.samples, len(samples))
    path, sha256 = _store(found, folders)
    less = f" of {most}, which would take more than {MOST_BYTES >> 20} MiB"
    return CalibrationFile(
        path=path,
        sha256=sha256,
        samples=len(found),
        names=tuple(found[0]),
        dtypes=tuple(str(array.dtype) for array in found[0].values()),
        method=wanted.method,
        told=f"{len(found)} {source}{less if len(found) < most else ''}, {wanted.method}",
    )


def _draw(
    model: Model, inspected: Inspected, case: Case, count: int, samples: Samples | None
) -> Iterator[Arrays]:
    """Yield samples, each as the inputs of one query."""
    specs = {spec.name: spec for spec in inspected.signature.inputs}
    sizes = {} if samples is None else data_sizes(samples, specs)
    dims = tuple((name, sizes.get(name, size)) for name, size in case.dims)
    has_file = any(isinstance(source, FileInput) for _, source in model.inputs)
    one = replace(case, batch=case.batch if has_file else 1, dims=dims)
    for k in range(count if samples is None else min(count, len(samples))):
        # suites' own seeds are 0 and above: no run is timed on what it was calibrated on
        seeded = make_inputs(model, inspected.signature, one, -1 - k)
        yield seeded if samples is None else {**seeded, **batch_of(samples, range(k, k + 1), specs)}


def _fitting(drawn: Iterator[Arrays]) -> list[Arrays]:
    """Return the first samples that fit into MOST_BYTES together, one at least."""
    found: list[Arrays] = []
    left_bytes = MOST_BYTES
    for arrays in drawn:
        left_bytes -= sum(array.nbytes for array in arrays.values())
        if found and left_bytes < 0:
            break
        found.append(arrays)
    return found


def _store(found: Sequence[Arrays], folders: Folders) -> tuple[Path, str]:
    """Write the samples, unless they are there, and return the file and its hash."""
    named: dict[str, Any] = {
        f"sample{k}input{j}": array
        for k, arrays in enumerate(found)
        for j, array in enumerate(arrays.values())
    }
    sha256 = digest(named)
    path = folders.inputs / f"{sha256}.npz"
    if not is_whole(path, named):
        save(named, path)
    return path, sha256
