"""What a suite may write under `gate`: the smallest change of latency, and limits of accuracy."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from suites.axes import choice_problem
from suites.case import PRECISIONS
from suites.errors import did_you_mean
from suites.measure_form import (
    fraction_problem,
    is_number,
    percentage_hint,
    read_percentage,
)
from suites.suite import AccuracyLimits, Gate
from suites.wording import Place, Problem, spell_found, spell_words

LATENCY = "latency"
ACCURACY = "accuracy"
PRECISION = "precision"

_FRACTION = "a percentage such as 98% or a fraction from 0 to 1"
_RATIO = "a percentage such as 2% or a number of at least 0"
_AMOUNT = "a number of at least 0"
_LEVEL = "a number"
LIMITS = {
    "min_cosine": _FRACTION,
    "max_abs": _AMOUNT,
    "max_rel": _RATIO,
    "min_snr_db": _LEVEL,
    "min_top1": _FRACTION,
    "min_accuracy": _FRACTION,
    "min_f1": _FRACTION,
    "min_exact_match": _FRACTION,
    "max_cer": _RATIO,
    "max_accuracy_drop": _FRACTION,
}
"""What each limit may be."""
TASK_OF = {
    "min_accuracy": "classification",
    "min_f1": "classification",
    "min_exact_match": "sequence",
    "max_cer": "sequence",
    "max_accuracy_drop": "classification",
}
"""What must be scored for a limit to hold for anything; those of parity need no labels."""


def gate_problems(given: Mapping[str, object]) -> Iterator[Problem]:
    """Return what is wrong with a gate, with the place below it."""
    yield from _unknown(given, (LATENCY, ACCURACY), ())
    if LATENCY in given and (problem := fraction_problem(given[LATENCY])):
        yield (LATENCY,), problem
    limits = given.get(ACCURACY, {})
    yield from _limits_problems(limits, (ACCURACY,), (*LIMITS, PRECISION))
    by_precision = limits.get(PRECISION, {}) if isinstance(limits, dict) else {}
    place: Place = (ACCURACY, PRECISION)
    if not isinstance(by_precision, dict):
        yield place, f"expected a mapping, got {spell_found(by_precision)}."
        return
    for precision, own in by_precision.items():
        if problem := choice_problem(precision, PRECISIONS):
            yield place, problem
        yield from _limits_problems(own, (*place, precision), tuple(LIMITS))


def moot_problems(
    given: Mapping[str, Any], *, tasks: Collection[object], precisions: Collection[object]
) -> Iterator[Problem]:
    """Return which parts of a gate without problems would hold for no case, with their place.

    `tasks` are those of the models' data sets, `precisions` those that cases have. What passes
    because nothing was asked must not look like a pass.
    """
    limits = given.get(ACCURACY, {})
    by_precision = limits.get(PRECISION, {})
    for precision in by_precision:
        if precision not in precisions:
            expected = f"a precision that cases have, {spell_words(map(str, precisions))}"
            remedy = "Add it to matrix.precision, or remove it."
            yield (ACCURACY, PRECISION), f"expected {expected}, got {precision!r}. {remedy}"
    owned = [((ACCURACY, PRECISION, name), own) for name, own in by_precision.items()]
    for place, own in (((ACCURACY,), limits), *owned):
        for name in own:
            if (task := TASK_OF.get(name)) and task not in tasks:
                yield (
                    (*place, name),
                    (
                        f"expected a model with a dataset whose task is {task}, got none. "
                        "Give a model one, or remove the limit."
                    ),
                )


def read_gate(given: Mapping[str, Any]) -> Gate:
    """Return a gate without problems as a value."""
    limits = dict(given.get(ACCURACY, {}))
    by_precision = limits.pop(PRECISION, {})
    latency: Any = read_percentage(given.get(LATENCY, Gate().latency))
    return Gate(
        latency=latency,
        accuracy=_limits(limits),
        by_precision=tuple((precision, _limits(own)) for precision, own in by_precision.items()),
    )


def _limits(given: Mapping[str, Any]) -> AccuracyLimits:
    read: dict[str, Any] = {name: read_percentage(value) for name, value in given.items()}
    return AccuracyLimits(**read)


def _limits_problems(given: object, place: Place, words: tuple[str, ...]) -> Iterator[Problem]:
    if not isinstance(given, dict):
        yield place, f"expected a mapping, got {spell_found(given)}."
        return
    yield from _unknown(given, words, place)
    for name, value in given.items():
        if name in LIMITS and not _is_legal(value, LIMITS[name]):
            hint = percentage_hint(value) if LIMITS[name] == _FRACTION else ""
            yield (*place, name), f"expected {LIMITS[name]}, got {spell_found(value)}.{hint}"


def _is_legal(given: object, kind: str) -> bool:
    value: Any = read_percentage(given) if kind in (_FRACTION, _RATIO) else given
    if not (is_number(value) and math.isfinite(value)):
        return False
    return kind == _LEVEL or 0 <= value <= (1 if kind == _FRACTION else math.inf)


def _unknown(
    given: Mapping[str, object], words: tuple[str, ...], place: Place
) -> Iterator[Problem]:
    for name in given:
        if name not in words:
            hint = did_you_mean(name, words)
            yield place, f"expected one of {spell_words(words)}, got {name!r}.{hint}"
