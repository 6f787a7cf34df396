"""A suite as a value: what its YAML file says, checked, with nothing expanded yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from suites.case import OptionValue
from suites.signature import Dim

AxisValue = OptionValue

TASKS = ("classification", "sequence")
"""What a data set's labels are: one class a sample, or a sequence of symbols."""
METHODS = ("minmax", "entropy", "percentile")
"""How calibration makes a range out of what it saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltinSource:
    """A built-in model and the parameters that differ from its defaults."""

    name: str
    params: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """An ONNX file; `path` is absolute, `given` is what the suite wrote."""

    path: Path
    given: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSource:
    """An ONNX file of a package that `suites/models/packages.toml` knows."""

    package: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonSource:
    """A function that returns a model: code of the user's, run in a child process.

    `folder` is the suite's, first among those that `module` is looked for in; `args` are passed by
    name.
    """

    module: str
    function: str
    folder: Path
    args: tuple[tuple[str, OptionValue], ...] = ()

    @property
    def given(self) -> str:
        """Return what the suite wrote."""
        return f"{self.module}:{self.function}"


Source = BuiltinSource | FileSource | PackageSource | PythonSource


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomInput:
    """Seeded random values. `low` (inclusive) and `high` (exclusive) may name a dimension.

    None leaves the bound to the dtype and the graph.
    """

    low: int | float | str | None = None
    high: int | float | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedInput:
    """Every element has this value."""

    value: int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInput:
    """An array of a `.npy` file, or of a `.npz` file under `key`."""

    path: Path
    given: str
    key: str | None = None


InputSource = RandomInput | FixedInput | FileInput


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDataset:
    """A data set that dyno knows (`suites/datasets/`)."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDataset:
    """The user's own data set: arrays of a `.npz` file, their first axis the samples.

    `inputs` has the key of each input's values. `labels` is the key of what is right, None where
    the data only calibrates; `task` is one of TASKS, `output` the output that is scored, None for
    the first.
    """

    path: Path
    given: str
    inputs: tuple[tuple[str, str], ...]
    labels: str | None = None
    task: str | None = None
    output: str | None = None


Dataset = NamedDataset | FileDataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of the suite.

    `dims` overrides what the file says of an input's dimensions, by position; `inputs` says where
    the values of an input come from (seeded random where it is silent). `dataset` has the samples
    that accuracy is judged by, and that calibrate; without one, seeded inputs calibrate.
    """

    name: str
    source: Source
    dims: tuple[tuple[str, tuple[Dim, ...]], ...] = ()
    inputs: tuple[tuple[str, InputSource], ...] = ()
    dataset: Dataset | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of the matrix: a name and the values it takes."""

    name: str
    values: tuple[AxisValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Axis values that pick cases; each axis may list several.

    `where` is its place in the file (`exclude[0]`), for messages.
    """

    where: str
    axes: tuple[tuple[str, tuple[AxisValue, ...]], ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """The stopping rule and the caps of a measurement, as requested.

    `target` is the half-width of the 95 % interval of the median, as a fraction (0.02 = 2 %).
    `launch_s` is timed per launch after warm-up; `case_s` caps a case's launches together;
    `timeout_s` is the longest that one step of a child may take (build, open, warm-up, the timed
    blocks beyond `launch_s`) before it counts as hung. `telemetry_s` is how long a device that has
    telemetry is watched in a pass of its own; 0 leaves that out. `accuracy` says whether answers
    are checked in a pass of their own.
    """

    target: float = 0.02
    launches_min: int = 5
    launches_max: int = 12
    launch_s: float = 0.5
    case_s: float = 30.0
    timeout_s: float = 300.0
    telemetry_s: float = 5.0
    accuracy: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How the ranges of activations are found: over how many samples, by which of METHODS."""

    samples: int = 64
    method: str = "minmax"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyLimits:
    """What a case's answers must reach; None asks for nothing.

    The first five are parity with the fp32 reference, of the worst output; the others are scores
    on the model's data set, as fractions. `max_accuracy_drop` is against the fp32 reference.
    """

    min_cosine: float | None = None
    max_abs: float | None = None
    max_rel: float | None = None
    min_snr_db: float | None = None
    min_top1: float | None = None
    min_accuracy: float | None = None
    min_f1: float | None = None
    min_exact_match: float | None = None
    max_cer: float | None = None
    max_accuracy_drop: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What a case must hold.

    `latency` is the smallest change of the median that a comparison reports (0.02 = 2 %).
    `accuracy` fails a measured case: limits of all cases, then by precision.
    """

    latency: float = 0.02
    accuracy: AccuracyLimits = field(default_factory=AccuracyLimits)
    by_precision: tuple[tuple[str, AccuracyLimits], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A whole suite. `sha256` is of the file's bytes, or of the arguments of an ad-hoc suite."""

    name: str
    path: Path | None
    sha256: str
    description: str = ""
    models: tuple[Model, ...]
    matrix: tuple[Axis, ...]
    defaults: tuple[tuple[str, OptionValue], ...] = ()
    include: tuple[Selection, ...] = ()
    exclude: tuple[Selection, ...] = ()
    require: tuple[str, ...] = ()
    measure: Measure = field(default_factory=Measure)
    calibration: Calibration = field(default_factory=Calibration)
    gate: Gate = field(default_factory=Gate)
    seed: int = 0

    @property
    def where(self) -> str:
        """Return how messages call the suite: its file's name, or its own."""
        return self.path.name if self.path else self.name
