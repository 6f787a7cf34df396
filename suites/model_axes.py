"""What the matrix needs to know of a model: its dimensions, their sizes, and its batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suites.axes import CORE_AXES
from suites.case import Case
from suites.errors import SuiteError
from suites.shapes import dimension_names, model_signature, names_in
from suites.signature import Signature
from suites.suite import Model
from suites.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAxes:
    """A model's named dimensions but `batch`, the sizes it brings, a batch that cannot vary.

    `renamable` says whether the suite can call one of its dimensions `batch`.
    """

    signature: Signature
    names: tuple[str, ...]
    defaults: Mapping[str, int]
    static_batch: int | None
    renamable: bool

    def holder(self, name: str) -> str:
        """Return the first input with a dimension of that name."""
        return next(
            spec.name
            for spec in self.signature.inputs
            if any(name in names_in(dim) for dim in spec.dims)
        )


def model_axes(model: Model, signature: Signature, vocabulary: Vocabulary, where: str) -> ModelAxes:
    """Return the axes that a model has once the suite's `dims` are applied.

    Raises SuiteError, also for a dimension that is called as another axis is.
    """
    applied = model_signature(model, signature, where)
    names = dimension_names(applied)
    axes = ModelAxes(
        signature=applied,
        names=tuple(name for name in names if name != "batch"),
        defaults=dict(applied.defaults),
        static_batch=None if "batch" in names else _fixed_batch(model, applied),
        renamable=bool(names or model.dims),
    )
    for name in axes.names:
        if taken := _other_meaning(name, vocabulary):
            raise SuiteError(
                f"{where}: models.{model.name}: expected dimensions with names of their own, got "
                f"{name!r} of input {axes.holder(name)!r}, which is {taken}. "
                f"Rename it with models.{model.name}.dims."
            )
    return axes


def _other_meaning(name: str, vocabulary: Vocabulary) -> str | None:
    """Return what else an axis of that name would set, or None."""
    option = vocabulary.option(name)
    if name in CORE_AXES:
        return "an axis already"
    return None if option is None else f"an option of {option.backends[0]} already"


def _fixed_batch(model: Model, signature: Signature) -> int:
    first = {spec.dims[0] for spec in signature.inputs if spec.dims}
    size = first.pop() if len(first) == 1 and not model.dims else 1
    return size if isinstance(size, int) else 1


def static_skip(case: Case, axes: ModelAxes) -> str | None:
    """Return why a case is skipped whose batch the model cannot have, or None."""
    if axes.static_batch in (None, case.batch):
        return None
    remedy = f"if one of its dimensions is the batch, call it so in models.{case.model}.dims"
    return (
        f"static batch {axes.static_batch}: the model has no 'batch' dimension; "
        f"{remedy if axes.renamable else 'export it with one to vary it'}"
    )
