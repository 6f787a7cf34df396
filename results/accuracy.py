"""What a case's answers are worth, found in a pass of its own, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputParity:
    """How an output agrees with the fp32 reference on the same inputs.

    `max_abs`, `max_rel`, `cosine` and `snr_db` are over the values that are finite in both: the
    greatest difference, as it is and as a fraction of the reference's greatest magnitude, the
    cosine of the angle between both, and the reference's power over that of the difference in
    decibels, None where nothing differs. All four are None where no value is left. `top1` is the
    fraction of rows along the last axis with the same greatest entry, None for rows of one value.
    `nan` and `inf` count values that the reference has not so.
    """

    output: str
    values: int
    max_abs: float | None
    max_rel: float | None
    cosine: float | None
    snr_db: float | None
    top1: float | None
    nan: int
    inf: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """How one class fared; `support` counts its samples."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScore:
    """What the answers to a labelled data set are worth, as fractions.

    `metrics` has accuracy, precision, recall and f1 (macro averages) of a classification,
    exact_match and cer (character error rate) of sequences. `reference` has the same of the fp32
    reference, empty where there is none. `samples` are those scored.
    """

    dataset: str
    task: str
    samples: int
    metrics: Mapping[str, float]
    classes: tuple[ClassScore, ...] = ()
    reference: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyRecord:
    """One accuracy pass. `reference` says what parity is with.

    `skipped` is why there is no `parity`, no `task`, or no score of the `reference`, by these
    names; `setup` is what is not installed for a task. What is missing there and here was not
    asked for.
    """

    attempt: int
    started_at: float
    reference: str = ""
    parity: tuple[OutputParity, ...] = ()
    task: TaskScore | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)
