"""The axes of a matrix: which names there are and which values each may have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from suites.case import PRECISIONS
from suites.errors import did_you_mean
from suites.shapes import is_dimension_name
from suites.vocabulary import OptionWord, Vocabulary
from suites.wording import Problem, spell_found, spell_words

CORE_AXES = ("model", "backend", "precision", "batch")
LARGEST_SIZE = 2**31 - 1
NAME_BREAKERS = "/=,"
"""What separates the parts of a case's id, and the entries of `--only`."""

KINDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What may be written: the suite's models (None where those are not known) and the rest."""

    models: tuple[str, ...] | None
    vocabulary: Vocabulary

    @property
    def named_axes(self) -> tuple[str, ...]:
        """Return the axes that are no dimension."""
        return (*CORE_AXES, *(word.name for word in self.vocabulary.options))


def axis_problem(name: str, values: Iterable[object], words: Words) -> str | None:
    """Return what is wrong with an axis of that name, or None; its values are not judged.

    The values only tell a misspelt option from a dimension.
    """
    if name in words.named_axes:
        return None
    listed = spell_words(words.named_axes)
    sizes = all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    hint = did_you_mean(name, words.named_axes)
    if is_dimension_name(name) and (sizes or not hint):
        return None
    return f"expected one of {listed} or a dimension with whole numbers, got {name!r}.{hint}"


def value_problem(axis: str, value: object, words: Words) -> str | None:
    """Return what is wrong with a value of that axis, or None."""
    option = words.vocabulary.option(axis)
    if axis == "model":
        return None if words.models is None else choice_problem(value, words.models)
    if axis == "backend":
        return choice_problem(value, words.vocabulary.backends)
    if axis == "precision":
        return choice_problem(value, PRECISIONS)
    if option is not None:
        return _option_problem(value, option)
    return size_problem(value)


def size_problem(value: object) -> str | None:
    """Return why a value is no size of a dimension, or None."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and 1 <= value <= LARGEST_SIZE:  # type: ignore[operator]
        return None
    bound = f"at most {LARGEST_SIZE}" if whole and value > 1 else "at least 1"  # type: ignore[operator]
    return f"expected a whole number of {bound}, got {spell_found(value)}."


def name_problem(name: str) -> str | None:
    """Return why a name cannot be part of a case's id, or None."""
    if not name or any(char in NAME_BREAKERS or char.isspace() for char in name):
        return (
            f"expected a name without '/', '=', ',' and spaces, got {name!r}. "
            "Those separate the parts of a case's id. Rename it."
        )
    return None if name.isprintable() else f"expected a printable name, got {name!r}. Rename it."


def axes_problems(axes: dict[str, list[Any]], words: Words) -> Iterator[Problem]:
    """Return what is wrong with axes and their values, with the place below `axes`."""
    for axis, values in axes.items():
        if unknown := axis_problem(axis, values, words):
            yield (axis,), unknown
        elif not values:
            yield (axis,), "expected at least one value, got an empty list."
        else:
            yield from _values_problems(axis, values, words)


def _values_problems(axis: str, values: list[Any], words: Words) -> Iterator[Problem]:
    seen: set[tuple[type, Any]] = set()
    for index, value in enumerate(values):
        place = (axis, index) if len(values) > 1 else (axis,)
        if problem := value_problem(axis, value, words):
            yield place, problem
        elif (type(value), value) in seen:
            yield place, f"expected each value once, got {spell_found(value)} again. Remove it."
        else:
            seen.add((type(value), value))


def default_problems(
    defaults: dict[str, Any], matrix: dict[str, list[Any]], words: Words
) -> Iterator[Problem]:
    """Return what is wrong with defaults for dimensions and options."""
    for name, value in defaults.items():
        if name in CORE_AXES:
            yield (name,), "expected a dimension or an option. Give it in 'matrix' instead."
        elif name in matrix:
            yield (name,), f"expected no default beside matrix.{name}. Remove one of them."
        elif problem := axis_problem(name, [value], words) or value_problem(name, value, words):
            yield (name,), problem


def entry_problems(
    entry: dict[str, list[Any]], words: Words, *, reasons: bool
) -> Iterator[Problem]:
    """Return what is wrong with an entry of include or, with `reasons`, of exclude."""
    axes = {name: values for name, values in entry.items() if name != "reason"}
    reason = entry.get("reason", [""])[0]
    if not axes:
        yield (), "expected at least one axis, got none."
    if not reasons and "reason" in entry:
        yield ("reason",), "expected only in 'exclude'. Remove it."
    elif not isinstance(reason, str):
        yield ("reason",), f"expected text, got {spell_found(reason)}."
    yield from axes_problems(axes, words)


def choice_problem(value: object, known: tuple[object, ...]) -> str | None:
    """Return why a value is none of those known, or None."""
    if any(value == word and type(value) is type(word) for word in known):
        return None
    hint = did_you_mean(value, map(str, known))
    return f"expected one of {spell_words(known)}, got {spell_found(value)}.{hint}"


def _option_problem(value: object, option: OptionWord) -> str | None:
    if option.choices:
        return choice_problem(value, option.choices)
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    legal = isinstance(value, option.kind) and isinstance(value, bool) == (option.kind is bool)
    if option.kind is float:
        legal = numeric
    low = -math.inf if option.minimum is None else option.minimum
    if not legal or (numeric and not low <= value):  # type: ignore[operator]
        return f"expected {_spell_kind(option)}, got {spell_found(value)}."
    return name_problem(value) if isinstance(value, str) else None


def _spell_kind(option: OptionWord) -> str:
    """Return `a whole number of at least 1`, or the kind alone."""
    kind, low = KINDS[option.kind], option.minimum
    return kind if low is None else f"{kind} of at least {low:g}"
