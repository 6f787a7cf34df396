"""A baseline: one side of a suite, pinned, so that every night is measured against the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from suites.case import Case, OptionValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Splice:
    """The case on this baseline over the case on the one before, measured side by side (log)."""

    log_ratio: float
    se: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedCase:
    """A case of a baseline and the files that it needs, named by hash below the store.

    `options` are the backend's, resolved. `model` are the fields of the prepared model beside its
    file (external data, dims, values, precision), `inputs` the names and types of the arrays.
    `splice` is None for the first baseline of a series, and for cases that are new in this one.
    """

    position: int
    case: Case
    options: Mapping[str, OptionValue]
    model_sha256: str
    inputs_sha256: str
    model: Mapping[str, Any]
    inputs: Mapping[str, Any]
    splice: Splice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A pinned side. Several suites may be pinned under one name, each a baseline of its own.

    `python` is the interpreter as it was named, made absolute, not resolved: a virtual environment
    is found by its link. `versions` are of Python, numpy and the runtimes there, `devices` what
    identifies the device of each kind. `suite` is "" for an interpreter that waits for its first
    gate. `replaces` is the id of the baseline whose series this one goes on with. `left_out` are
    cases that could not be pinned, with the reason. Times are seconds since the epoch, UTC.
    """

    id: str
    name: str
    suite: str
    suite_sha256: str
    pinned_at: float
    python: str
    versions: Mapping[str, str]
    devices: Mapping[str, str]
    seed: int
    dyno_version: str
    replaces: str = ""
    cases: tuple[PinnedCase, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
