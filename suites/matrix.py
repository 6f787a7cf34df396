"""A suite's matrix as cases: which there are, which are skipped and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from suites.axes import CORE_AXES
from suites.case import Case, OptionValue
from suites.errors import SuiteError, did_you_mean
from suites.model_axes import ModelAxes, model_axes, static_skip
from suites.selection import Matcher, parse_only, select
from suites.shapes import model_signature
from suites.signature import Signature
from suites.suite import AxisValue, Model, Selection, Suite
from suites.vocabulary import Vocabulary
from suites.wording import spell_words

__all__ = ["MOST_CASES", "Planned", "expand", "model_signature", "parse_only", "select"]

MOST_CASES = 100_000

Axes = Mapping[str, tuple[AxisValue, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A case of the suite, and why it is not tried where that is known beforehand."""

    case: Case
    skip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Space:
    """Everything an expansion looks at."""

    suite: Suite
    axes: Axes
    models: Mapping[str, ModelAxes]
    vocabulary: Vocabulary


def expand(
    suite: Suite, signatures: Mapping[str, Signature], vocabulary: Vocabulary
) -> tuple[Planned, ...]:
    """Return every case of the suite, excluded ones as skipped, in the order of its axes.

    `signatures` holds each model's, by name, as its file has it: `dims` are applied here. Models
    vary slowest, then backend, precision, batch, and the other axes as written. Included cases
    follow those of the matrix and are not excluded. Raises SuiteError.
    """
    models = {
        model.name: model_axes(model, signatures[model.name], vocabulary, suite.where)
        for model in _used(suite)
    }
    axes = {axis.name: axis.values for axis in suite.matrix}
    space = _Space(suite=suite, axes=axes, models=models, vocabulary=vocabulary)
    _check_axes(space)
    spaces = [space, *(replace(space, axes={**axes, **dict(e.axes)}) for e in suite.include)]
    _check_count(suite.where, sum(map(_count, spaces)))
    matrix = _exclude(suite, list(_cases(space)), models)
    included = [
        Planned(case=case, skip=static_skip(case, models[case.model]))
        for entry, wider in zip(suite.include, spaces[1:], strict=True)
        for case in _included(entry, wider)
    ]
    _check_unique(suite.where, (*matrix, *included))
    return (*matrix, *included)


def _used(suite: Suite) -> Iterator[Model]:
    axes = [*((axis.name, axis.values) for axis in suite.matrix)]
    axes += [pair for entry in suite.include for pair in entry.axes]
    names = {value for name, values in axes if name == "model" for value in values}
    return (model for model in suite.models if model.name in names)


def _check_axes(space: _Space) -> None:
    """Check that each axis and default is a dimension of a model or an option of a backend."""
    dims = {name: None for held in space.models.values() for name in held.names}
    options = {name: None for backend in _backends(space) for name in _options(space, backend)}
    places = [("matrix", name) for name in space.axes if name not in CORE_AXES]
    places += [("defaults", name) for name, _ in space.suite.defaults]
    for key, name in places:
        if name in options or name in dims:
            continue
        hint = did_you_mean(name, [*dims, *options, *CORE_AXES]) or " Remove it."
        raise SuiteError(
            f"{space.suite.where}: {key}: expected a dimension of its models "
            f"({spell_words(dims) or 'they have none'}) or an option of its backends "
            f"({spell_words(options) or 'they have none'}), got {name!r}.{hint}"
        )


def _backends(space: _Space) -> set[AxisValue]:
    included = (pair for entry in space.suite.include for pair in entry.axes)
    pairs = [("backend", space.axes["backend"]), *included]
    return {value for name, values in pairs if name == "backend" for value in values}


def _options(space: _Space, backend: AxisValue) -> tuple[str, ...]:
    return tuple(word.name for word in space.vocabulary.options if backend in word.backends)


def _applicable(space: _Space, model: str, backend: str) -> Axes:
    """Return the axes beyond the core that vary the cases of this model on this backend."""
    options = _options(space, backend)
    names = space.models[model].names
    return {name: values for name, values in space.axes.items() if name in options or name in names}


def _pairs(space: _Space) -> Iterator[tuple[str, str]]:
    for model, backend in product(space.axes["model"], space.axes["backend"]):
        yield str(model), str(backend)


def _count(space: _Space) -> int:
    each = len(space.axes["precision"]) * len(space.axes["batch"])
    return sum(each * prod(map(len, _applicable(space, *pair).values())) for pair in _pairs(space))


def _check_count(where: str, count: int) -> None:
    if count > MOST_CASES:
        raise SuiteError(
            f"{where}: matrix: expected at most {MOST_CASES} cases, got {count}. "
            "Shorten an axis, or split the suite."
        )


def _cases(space: _Space) -> Iterator[Case]:
    for model, backend in _pairs(space):
        axes = _applicable(space, model, backend)
        names = space.models[model].names
        fixed = _fixed(space, model, axes)
        options = [name for name in _options(space, backend) if name in {**fixed, **axes}]
        inner = product(space.axes["precision"], space.axes["batch"], *axes.values())
        for precision, batch, *values in inner:
            given = {**fixed, **dict(zip(axes, values, strict=True))}
            yield Case(
                model=model,
                backend=backend,
                precision=str(precision),
                batch=int(batch),
                dims=tuple((name, int(given[name])) for name in names),
                options=tuple((name, given[name]) for name in options),
            )


def _fixed(space: _Space, model: str, axes: Axes) -> dict[str, OptionValue]:
    """Return what the suite or the model sets where no axis does; every dimension is covered."""
    held = space.models[model]
    given = {**held.defaults, **dict(space.suite.defaults)}
    for name in held.names:
        if name not in given and name not in axes:
            raise SuiteError(
                f"{space.suite.where}: models.{model}: expected a size for dimension {name!r} of "
                f"input {held.holder(name)!r}, got none. Add matrix.{name}, or fix it in "
                f"models.{model}.dims."
            )
    return given


def _exclude(suite: Suite, cases: list[Case], models: Mapping[str, ModelAxes]) -> list[Planned]:
    matchers = [Matcher(entry) for entry in suite.exclude]
    planned = []
    for case in cases:
        hits = [matcher.entry for matcher in matchers if matcher.matches(case)]
        skip = _excluded(hits[0]) if hits else static_skip(case, models[case.model])
        planned.append(Planned(case=case, skip=skip))
    for matcher in matchers:
        matcher.require_hit(suite.where, cases)
    return planned


def _excluded(entry: Selection) -> str:
    return f"excluded by the suite{': ' if entry.reason else ''}{entry.reason}"


def _included(entry: Selection, space: _Space) -> list[Case]:
    """Return the cases of an include. Raises SuiteError where an axis of it means nothing."""
    pairs = list(_pairs(space))
    used = {name for pair in pairs for name in _applicable(space, *pair)}
    for name, _ in entry.axes:
        if name not in CORE_AXES and name not in used:
            raise SuiteError(
                f"{space.suite.where}: {Matcher(entry).spelt}. "
                f"None of its models or backends has {name!r}; remove it."
            )
    return list(_cases(space))


def _check_unique(where: str, planned: Iterable[Planned]) -> None:
    seen: set[Case] = set()
    for entry in planned:
        if entry.case in seen:
            raise SuiteError(
                f"{where}: include: expected each case once, got {entry.case.id} again. "
                "Remove it from include, or from the matrix."
            )
        seen.add(entry.case)
