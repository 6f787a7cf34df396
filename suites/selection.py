"""Picking cases by the values of their axes: excludes of a suite, `--only` of the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from suites.axes import CORE_AXES
from suites.case import Case, OptionValue
from suites.errors import SuiteError, did_you_mean
from suites.suite import Selection
from suites.wording import spell_words

Only = tuple[str, str]
"""An axis and a value as `--only` spells them."""


class HasCase(Protocol):
    """Anything planned around a case."""

    @property
    def case(self) -> Case:
        """Return the case."""
        ...


PlannedCase = TypeVar("PlannedCase", bound=HasCase)


def axis_values(case: Case) -> dict[str, OptionValue]:
    """Return the value of every axis that the case has one of."""
    core = {axis: getattr(case, axis) for axis in CORE_AXES}
    return {**core, **dict(case.dims), **dict(case.options)}


class Matcher:
    """An exclude or include entry at work; counts what it matched."""

    def __init__(self, entry: Selection) -> None:
        self.entry = entry
        self.hits = 0
        self._core = [(name, frozenset(v)) for name, v in entry.axes if name in CORE_AXES]
        self._rest = [(name, frozenset(v)) for name, v in entry.axes if name not in CORE_AXES]

    @property
    def spelt(self) -> str:
        """Return `exclude[0] matches no case: {model: resnet50, batch: 16}`."""
        axes = ", ".join(f"{name}: {_spell_values(values)}" for name, values in self.entry.axes)
        return f"{self.entry.where} matches no case: {{{axes}}}"

    def matches(self, case: Case) -> bool:
        """Return whether every axis of the entry has one of its values in the case."""
        found = all(getattr(case, name) in values for name, values in self._core)
        if found and self._rest:
            given = axis_values(case)
            found = all(name in given and given[name] in values for name, values in self._rest)
        self.hits += found
        return found

    def require_hit(self, where: str, cases: Sequence[Case]) -> None:
        """Raise SuiteError where nothing matched, with the first axis that rules all out."""
        if self.hits:
            return
        known = known_values(cases)
        for name, values in self.entry.axes:
            if not known.get(name, {}).keys() & set(map(_spell, values)):
                words = spell_words(known.get(name, ()))
                has = f"The matrix has {name} {words}." if words else f"No case has {name!r}."
                raise SuiteError(f"{where}: {self.spelt}. {has}")
        raise SuiteError(f"{where}: {self.spelt}. No single case has all of these.")


def known_values(cases: Iterable[Case]) -> Mapping[str, dict[str, None]]:
    """Return the values of each axis over the cases, as text, in their order."""
    known: dict[str, dict[str, None]] = {axis: {} for axis in CORE_AXES}
    for case in cases:
        for name, value in axis_values(case).items():
            known.setdefault(name, {})[_spell(value)] = None
    return known


def parse_only(text: str) -> tuple[Only, ...]:
    """Return the axes and values of `model=lstm,batch=1`. Raises SuiteError."""
    return tuple(_parse_pair(pair) for pair in text.split(","))


def _parse_pair(pair: str) -> Only:
    name, equals, value = (part.strip() for part in pair.partition("="))
    if not (name and equals and value):
        raise SuiteError(
            f"--only: expected axis=value, got {pair!r}. Separate several by commas: "
            "model=lstm,batch=1."
        )
    return name, value


def select(planned: Sequence[PlannedCase], only: Sequence[Only]) -> tuple[PlannedCase, ...]:
    """Return what `only` picks: one of the values of an axis, for every axis that it names.

    Raises SuiteError for an unknown axis and where nothing is left.
    """
    if not only:
        return tuple(planned)
    known = known_values(entry.case for entry in planned)
    wanted: dict[str, list[str]] = {}
    for name, value in only:
        _check_known(name, value, known)
        wanted.setdefault(name, []).append(value)
    picked = tuple(entry for entry in planned if _picked(entry.case, wanted))
    if not picked:
        spelt = ",".join(f"{name}={value}" for name, value in only)
        raise SuiteError(f"--only: expected cases with {spelt}, got none. Ask for fewer axes.")
    return picked


def _check_known(name: str, value: str, known: Mapping[str, Mapping[str, None]]) -> None:
    if name not in known:
        hint = did_you_mean(name, known)
        raise SuiteError(f"--only: expected one of {spell_words(known)}, got {name!r}.{hint}")
    if value not in known[name]:
        raise SuiteError(
            f"--only: expected {name} to be one of {spell_words(known[name])}, got {value!r}."
            f"{'' if value.isdigit() else did_you_mean(value, known[name])}"
        )


def _picked(case: Case, wanted: Mapping[str, Sequence[str]]) -> bool:
    values = axis_values(case)
    return all(
        name in values and _spell(values[name]) in allowed for name, allowed in wanted.items()
    )


def _spell_values(values: tuple[OptionValue, ...]) -> str:
    spelt = [_spell(value) for value in values]
    return spelt[0] if len(spelt) == 1 else f"[{', '.join(spelt)}]"


def _spell(value: OptionValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
