"""What the parts of a suite's file have in common for pydantic: strictness, and how they fail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from pydantic import ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from suites.wording import Problem

STRICT = ConfigDict(strict=True, frozen=True, extra="forbid")
"""For mappings whose keys are all known."""


def fail(problems: Iterable[Problem]) -> NoReturn:
    """Raise what pydantic collects, each problem with its place below the field at hand."""
    details = [
        InitErrorDetails(
            type=PydanticCustomError("house", "{message}", {"message": message}),
            loc=place,
            input=None,
        )
        for place, message in problems
    ]
    raise ValidationError.from_exception_data("suite", details)


def fail_if(problems: Iterable[Problem]) -> None:
    """Raise as `fail` does where there is any problem."""
    if found := list(problems):
        fail(found)
