"""What every backend promises: build an engine, open a session, say what really ran.

Engines never read a clock around inference, never compute statistics, never print. This file needs
the standard library only; it travels with the worker (see `harness/closure.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from suites.case import Case, OptionValue

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[np.generic]]

Fact = str | int | float | bool
Call = Callable[[], object]


class EngineError(Exception):
    """A backend could not do what was asked. `kind` is a failure kind of `results/record.py`.

    An empty `hint` becomes one that points at the child's log.
    """

    def __init__(self, kind: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint


class StaleEngineError(EngineError):
    """The runtime refuses the engine: it is another device's, driver's or version's.

    The harness has it built again, once.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__("build", message, hint)


class CaptureError(EngineError):
    """A CUDA graph could not be captured; the case is never timed under a graph's label."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__("build", message, hint)


class Mark(Enum):
    """A point of one query on the device's own time line, in stream order."""

    START = "start"
    INPUTS_READY = "inputs-ready"
    COMPUTE_DONE = "compute-done"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option that a backend takes, as an axis of the matrix or among the suite's defaults.

    `choices` are all legal values where they can be listed; otherwise any value of the default's
    type from `minimum` on is legal. `by_precision` has the defaults of precisions that cannot have
    the other one.
    """

    name: str
    default: OptionValue
    help: str
    choices: tuple[OptionValue, ...] = ()
    minimum: float | None = None
    by_precision: tuple[tuple[str, OptionValue], ...] = ()

    def default_of(self, precision: str) -> OptionValue:
        """Return the default for cases of a precision."""
        return dict(self.by_precision).get(precision, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedModel:
    """An ONNX file at its final precision; `sha256` is of it and its external data.

    `dims` has each input's dimensions as the suite names and fixes them: sizes, or expressions
    over the case's `sizes`. `values` has the integer inputs that are one number everywhere. Inputs
    are missing from them where only the file tells.
    """

    path: Path
    sha256: str
    external_data: bool = False
    dims: Mapping[str, tuple[int | str, ...]] = field(default_factory=dict)
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that engines are built for and run on; its texts are empty where unknown.

    `kind` is a backend's `device`; `uuid` is the driver's (`GPU-…`, `MIG-…`), `sm` the compute
    capability as in `sm90`, `driver` the version of the driver. A device that is only built for
    has its kind and `sm` alone.
    """

    kind: str
    name: str = ""
    uuid: str = ""
    sm: str = ""
    driver: str = ""
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a backend works: its device, and a folder for what makes the next time faster.

    The child sees no other device than this one. `scratch` exists, is the backend's own for this
    device, and may be emptied between any two calls.
    """

    device: Device
    scratch: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What a build wrote to `path`, and what it learned; no times.

    Further files of the engine lie beside it, their names beginning with its name.
    """

    path: Path
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """How many nodes of the graph run on which execution provider, and the first few by name."""

    provider: str
    nodes: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """What an open session says of itself, once it ran.

    `options` are all of the backend's options as they were really set; `effective_precision` is
    None where the runtime runs the prepared graph's types as they are; `device_memory_bytes` is
    None where the backend holds no device memory of its own. `enqueue_waits`: `enqueue` returns
    only once the device is done, though the session has a `wait`; its time tells nothing then.
    """

    runtime: str
    runtime_version: str
    device: str
    options: Mapping[str, OptionValue]
    placement: tuple[Placement, ...] = ()
    effective_precision: str | None = None
    device_memory_bytes: int | None = None
    enqueue_waits: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTime:
    """One layer of a profile: its name, type, and mean time per query."""

    name: str
    kind: str
    mean_ns: float


class DeviceClock(Protocol):
    """Events on the device's streams, one set a query of a block."""

    name: str

    def recorders(self, mark: Mark, slots: Sequence[int]) -> Sequence[Call]:
        """Return, for each query of a block, the call that records `mark` in its slot's stream.

        `slots` has the slot of each query. What an earlier call for `mark` gave is void.
        """
        ...

    def elapsed_ns(self, start: Mark, end: Mark) -> Sequence[int]:
        """Return device nanoseconds between two marks of each query of the block, in order.

        Both marks of every query were recorded and waited for.
        """
        ...


class Session(Protocol):
    """An engine on the device with its buffers bound.

    A slot is stream × queue position; every sequence that is not empty has one entry a slot, and
    queries go round the slots in order. The calls take no argument and may be bound C functions;
    what they return is ignored.
    """

    enqueue: Sequence[Call]
    copy_in: Sequence[Call]
    """Host to device; empty where inputs stay where the engine reads them."""
    copy_out: Sequence[Call]
    """Device to host; empty where outputs stay where the engine wrote them."""
    fence: Sequence[Call]
    """Called last for a query, for `wait` to block on; empty where `wait` needs none."""
    flush: Sequence[Call]
    """Untimed, before each query: cool the caches down and wait for that; empty for hot ones."""
    wait: Sequence[Call] | None
    """Block until the slot's last query is done; None where `enqueue` itself blocks."""
    clock: DeviceClock | None
    """None: there is only the host's clock."""
    host_clock: Callable[[], int] | None
    """None: the real monotonic clock. Only a simulated device brings its own [ns]."""

    def capture(self) -> None:
        """Replace each slot's `enqueue` by the launch of a captured CUDA graph.

        Raises CaptureError; then nothing has been replaced.
        """
        ...

    def feed(self, inputs: Arrays) -> None:
        """Replace the values of slot 0's inputs, their shapes and types being those of `open`.

        Only between queries that have been waited for. Raises EngineError for an unknown name, a
        missing one, and another shape or type.
        """
        ...

    def outputs(self) -> Arrays:
        """Return copies of slot 0's outputs by name, once a query has been waited for."""
        ...

    def facts(self) -> SessionFacts:
        """Return what really runs."""
        ...

    def profile(self) -> Sequence[LayerTime] | None:
        """Return time per layer from a run of its own, or None where the runtime cannot tell."""
        ...


class Backend(Protocol):
    """A runtime that builds and runs engines. Constructing one imports nothing heavy."""

    name: str
    simulated: bool
    """True: no real inference; never chosen by `--backend all`."""
    builds_on_device: bool
    """True: builds run one at a time per device, with nothing else on it."""
    device: str
    """The kind of device it runs on: `cpu`, `cuda`."""
    distribution: str
    """The Python distribution of the runtime, whose version is recorded."""
    options: tuple[Option, ...]

    def unavailable(self) -> str | None:
        """Return why it cannot run here and what to install, or None. Imports no runtime."""
        ...

    def cannot_build(self, device: Device) -> str | None:
        """Return why it cannot build for the device here, or None. Imports no runtime.

        Some can for devices that are not here: then `unavailable` says more than this does.
        """
        ...

    def load(self) -> None:
        """Import the runtime, so that build and open do not pay for it. Raises ImportError."""
        ...

    def unsupported(self, case: Case, device: Device) -> str | None:
        """Return why it cannot run this case on the device and what it can instead, or None."""
        ...

    def engine_key(self, case: Case, device: Device) -> Mapping[str, Fact]:
        """Return all that the bytes of the case's engine depend on, beside the model's own.

        That is of the case, the runtime, the driver and the machine; the cache takes an engine
        with an equal key for the same. Batch and dims belong in it only where the engine is built
        for them. Dyno adds the code of its own backends; one from another package adds its version.
        Imports no runtime, and is asked in the environment that would build.
        """
        ...

    def build(self, model: PreparedModel, case: Case, path: Path, site: Site) -> Engine:
        """Build the case's engine for the site's device into the file `path`. Raises EngineError.

        The fact `device_bytes` of the engine, where it has one, is the device memory that a session
        takes beside its inputs and outputs.
        """
        ...

    def open(
        self, engine: Engine, case: Case, inputs: Arrays, site: Site
    ) -> AbstractContextManager[Session]:
        """Load the engine and bind `inputs` (name → array, shape as the case says).

        The arrays outlive the session. Raises EngineError.
        """
        ...

    def explain(self, error: Exception) -> EngineError:
        """Return what an exception of the runtime, raised by one of the session's calls, means."""
        ...


def resolve_options(backend: Backend, case: Case) -> dict[str, OptionValue]:
    """Return the value of each of the backend's options: the case's, else the default."""
    given = dict(case.options)
    return {
        option.name: given.get(option.name, option.default_of(case.precision))
        for option in backend.options
    }
