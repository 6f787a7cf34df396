"""The shape of `calibration` in a suite's file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from suites.axes import choice_problem
from suites.form import STRICT, fail_if
from suites.suite import METHODS, Calibration

MOST_SAMPLES = 100_000

_DEFAULT = Calibration()


def _method(given: object) -> object:
    problem = choice_problem(given, METHODS)
    fail_if([((), problem)] if problem else [])
    return given


class CalibrationForm(BaseModel):
    """`calibration`: how many samples, and how their values become ranges."""

    model_config = STRICT

    samples: Annotated[int, Field(ge=1, le=MOST_SAMPLES)] = _DEFAULT.samples
    method: Annotated[str, BeforeValidator(_method)] = _DEFAULT.method
