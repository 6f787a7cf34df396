"""The data set of a model: found, read, and checked against what the model takes and gives."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from suites.datasets.fitting import check_sizes, fit
from suites.datasets.labels import Labelling, check_labels, scored_output
from suites.datasets.named import load_named, named_unavailable
from suites.datasets.npz import read_npz
from suites.datasets.samples import Samples
from suites.errors import SuiteError, did_you_mean
from suites.shapes import names_in, spell_dims
from suites.suite import Dataset, FileDataset, NamedDataset
from suites.wording import spell_place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from suites.signature import Signature, TensorSpec

FEWEST = 2
"""One sample to calibrate, one to be scored."""


def load_dataset(
    dataset: Dataset, signature: Signature, place: str, *, given: Collection[str]
) -> Samples | str:
    """Return the samples for a model, or why there are none here and what to install.

    `signature` has the suite's `dims` applied; `given` are the inputs that the suite gives values
    for; `place` begins messages: `rnn.yaml: models.lstm.dataset`. Raises SuiteError for data that
    the model cannot take.
    """
    if isinstance(dataset, FileDataset):
        return _load_file(dataset, signature, place, given)
    if reason := named_unavailable(dataset.name):
        return f"data set {dataset.name}: {reason}"
    return _load_named(dataset, signature, place, given)


def _load_named(
    dataset: NamedDataset, signature: Signature, place: str, given: Collection[str]
) -> Samples:
    inputs = list(signature.inputs)
    free = [spec for spec in inputs if spec.name not in given] or inputs
    if len(free) != 1:
        names = " and ".join(repr(spec.name) for spec in free)
        raise SuiteError(
            f"{place}: expected one input for {dataset.name}, got {names}. "
            "Give every other input a value under 'inputs'."
        )
    (spec,) = free
    _check_batched([spec], signature, place)
    try:
        found = load_named(dataset.name)
    except SuiteError as error:
        raise SuiteError(f"{place}: {error}") from error
    values = fit(found.values, spec, place=place, source=dataset.name)
    output = scored_output(signature, None, place)
    labelling = Labelling(task="classification", output=output, samples=len(values))
    return Samples(
        name=dataset.name,
        inputs={spec.name: values},
        labels=check_labels(found.labels, labelling, place=place, source=dataset.name),
        task=labelling.task,
        output=output.name,
        classes=found.classes,
        training=found.training,
    )


def _load_file(
    dataset: FileDataset, signature: Signature, place: str, given: Collection[str]
) -> Samples:
    specs = {spec.name: spec for spec in signature.inputs}
    sources = dict(dataset.inputs)
    _check_names(sources, specs, place, given)
    _check_batched([specs[name] for name in sources], signature, place)
    output = scored_output(signature, dataset.output, place)
    stored = read_npz(dataset, place)
    inputs: dict[str, NDArray[Any]] = {}
    for name, values in stored.inputs.items():
        at = f"{place}{spell_place(('_', 'inputs', name))[1:]}"
        inputs[name] = fit(values, specs[name], place=at, source=repr(sources[name]))
        _check_count(len(values), inputs, place=at, source=repr(sources[name]))
    check_sizes(inputs, specs, place)
    count = len(next(iter(inputs.values())))
    labels = None
    if stored.labels is not None and dataset.task is not None:
        labelling = Labelling(task=dataset.task, output=output, samples=count)
        at = f"{place}.labels"
        labels = check_labels(stored.labels, labelling, place=at, source=repr(dataset.labels))
    return Samples(
        name=dataset.given,
        inputs=inputs,
        labels=labels,
        task=dataset.task or "",
        output=output.name,
    )


def _check_names(
    names: Iterable[str], specs: dict[str, TensorSpec], place: str, given: Collection[str]
) -> None:
    for name in names:
        if name not in specs:
            known = ", ".join(map(repr, specs))
            raise SuiteError(
                f"{place}.inputs: expected one of the model's inputs {known}, "
                f"got {name!r}.{did_you_mean(name, specs)}"
            )
    fed = {*names, *given}
    if missing := next((name for name in specs if name not in fed), None):
        raise SuiteError(
            f"{place}.inputs: expected values for every input, got none for {missing!r}. "
            "Add it, or give it a value under the model's own 'inputs'."
        )


def _check_batched(fed: list[TensorSpec], signature: Signature, place: str) -> None:
    """Raise SuiteError for an input that has no place for samples."""
    if any("batch" in names_in(dim) for spec in signature.inputs for dim in spec.dims):
        wrong = [spec for spec in fed if "batch" not in spec.dims]
    else:
        wrong = [spec for spec in fed if not spec.dims or spec.dims[:1] != fed[0].dims[:1]]
    for spec in wrong:
        raise SuiteError(
            f"{place}: expected a dimension 'batch' for the samples, "
            f"got {spec.name!r} {spell_dims(spec)}. Name it under 'dims', or leave the input out "
            "and give it a value under the model's own 'inputs'."
        )


def _check_count(count: int, inputs: dict[str, NDArray[Any]], *, place: str, source: str) -> None:
    first, values = next(iter(inputs.items()))
    if count != len(values):
        raise SuiteError(
            f"{place}: expected {len(values)} samples, as {first!r} has, "
            f"got {count} in {source}. Save as many."
        )
    if count < FEWEST:
        raise SuiteError(
            f"{place}: expected at least {FEWEST} samples, got {count} in {source}. "
            "Half of them calibrate, the others are scored."
        )
