"""The shape of `measure` in a suite's file: the stopping rule and the caps."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from suites.form import STRICT, fail
from suites.wording import spell_found

MOST_LAUNCHES = 1000

_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*", re.ASCII)


def is_number(value: object) -> bool:
    """Return whether it is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_percentage(given: object) -> object:
    """Return the fraction that a percentage such as `2%` is; anything else as it is."""
    percent = _PERCENT.fullmatch(given) if isinstance(given, str) else None
    return float(percent[1]) / 100 if percent else given


def percentage_hint(given: Any) -> str:
    """Return ` Did you mean '2%'?` for a number that only makes sense as one, or nothing."""
    return f" Did you mean '{given:g}%'?" if is_number(given) and 1 <= given < 100 else ""


def fraction_problem(given: object) -> str | None:
    """Return why it is no share above 0 and below 1, as a percentage or a fraction, or None."""
    value: Any = read_percentage(given)
    if is_number(value) and 0 < value < 1:
        return None
    found = f"{spell_found(given)}.{percentage_hint(given)}"
    return f"expected a percentage such as 2% or a fraction, got {found}"


def _fraction(given: object) -> object:
    if problem := fraction_problem(given):
        fail([((), problem)])
    return read_percentage(given)


def _as_range(given: Any) -> object:
    if isinstance(given, dict):
        return given
    if not (isinstance(given, int) and is_number(given) and 1 <= given <= MOST_LAUNCHES):
        expected = f"a whole number from 1 to {MOST_LAUNCHES}, or a mapping with min and max"
        fail([((), f"expected {expected}, got {spell_found(given)}.")])
    return {"min": given, "max": given}


Launches = Annotated[int, Field(ge=1, le=MOST_LAUNCHES)]


class LaunchesForm(BaseModel):
    """`measure.launches`: a number, or a least and a greatest."""

    model_config = STRICT

    min: Launches = 5
    max: Launches = 12

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            fail([((), f"expected min to be at most max, got {self.min} and {self.max}.")])
        return self


class MeasureForm(BaseModel):
    """`measure`: durations in seconds, the target as a fraction."""

    model_config = STRICT

    target: Annotated[float, BeforeValidator(_fraction)] = 0.02
    launches: Annotated[LaunchesForm, BeforeValidator(_as_range)] = LaunchesForm()
    launch_s: Annotated[float, Field(gt=0, le=3600)] = 0.5
    case_s: Annotated[float, Field(gt=0, le=86400)] = 30.0
    timeout_s: Annotated[float, Field(ge=1, le=86400)] = 300.0
    telemetry_s: Annotated[float, Field(ge=0, le=3600)] = 5.0
    accuracy: bool = True

    @model_validator(mode="after")
    def _launch_can_end(self) -> Self:
        if self.launch_s >= self.timeout_s:
            problem = (
                f"expected less than timeout_s, got {self.launch_s:g} and {self.timeout_s:g}. "
                "Raise timeout_s."
            )
            fail([(("launch_s",), problem)])
        return self
