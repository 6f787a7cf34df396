"""The shape of a suite's file for pydantic, and the rules that need the vocabulary.

Instances live only while a file is read; `suites/load.py` turns them into the values of
`suites/suite.py`. Every validator reports all it finds, with the place below its field.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from suites.axes import (
    Words,
    axes_problems,
    default_problems,
    entry_problems,
    name_problem,
    value_problem,
)
from suites.sources import dim_problem, input_problems, model_problems
from suites.vocabulary import Vocabulary
from suites.wording import Problem, spell_found

_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a document is checked against: the words there are, and the folder paths start from."""

    vocabulary: Vocabulary
    base: Path


def _fail(problems: Iterable[Problem]) -> NoReturn:
    details = [
        InitErrorDetails(
            type=PydanticCustomError("house", "{message}", {"message": message}),
            loc=place,
            input=None,
        )
        for place, message in problems
    ]
    raise ValidationError.from_exception_data("suite", details)


def _context(info: ValidationInfo) -> Context:
    context: Context = info.context  # type: ignore[assignment]
    return context


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _as_range(value: object) -> object:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return {"min": value, "max": value} if whole else value


def _fraction(value: object) -> object:
    if isinstance(value, str) and (percent := _PERCENT.fullmatch(value)):
        value = float(percent[1]) / 100
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        message = f"expected a percentage such as 2% or a fraction, got {spell_found(value)}."
        if isinstance(value, int | float) and 1 <= value < 100 and math.isfinite(value):
            message += f" Did you mean '{value:g}%'?"
        _fail([((), message)])
    return value


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class LaunchesForm(_Form):
    """`measure.launches`: a number, or a least and a greatest."""

    min: Annotated[int, Field(ge=1, le=1000)] = 5
    max: Annotated[int, Field(ge=1, le=1000)] = 12

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            _fail([((), f"expected min to be at most max, got {self.min} and {self.max}.")])
        return self


class MeasureForm(_Form):
    """`measure`: durations in seconds, the target as a fraction."""

    target: Annotated[float, BeforeValidator(_fraction)] = 0.02
    launches: Annotated[LaunchesForm, BeforeValidator(_as_range)] = LaunchesForm()
    launch_s: Annotated[float, Field(gt=0, le=3600)] = 0.5
    case_s: Annotated[float, Field(gt=0, le=86400)] = 30.0
    timeout_s: Annotated[float, Field(gt=0, le=86400)] = 300.0


class InputForm(_Form):
    """`models.<name>.inputs.<input>`: a value, a file, or a range."""

    value: Any = None
    file: Any = None
    key: Any = None
    low: Any = None
    high: Any = None

    @model_validator(mode="after")
    def _one_kind(self, info: ValidationInfo) -> Self:
        given = {name: getattr(self, name) for name in type(self).model_fields}
        given = {name: value for name, value in given.items() if name in self.model_fields_set}
        if problems := input_problems(given, _context(info).base):
            _fail(problems)
        return self


class ModelForm(BaseModel):
    """`models.<name>`: keys beyond the declared are parameters of a built-in model."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    builtin: Any = None
    onnx: Any = None
    dims: dict[str, list[Any]] = {}
    inputs: dict[str, InputForm] = {}

    @property
    def params(self) -> dict[str, Any]:
        """Return the parameters beside `builtin`."""
        return dict(self.model_extra or {})

    @field_validator("dims")
    @classmethod
    def _dims(cls, dims: dict[str, list[Any]]) -> dict[str, list[Any]]:
        found = (((name, i), dim_problem(dim)) for name in dims for i, dim in enumerate(dims[name]))
        _fail_if((place, message) for place, message in found if message)
        return dims

    @model_validator(mode="after")
    def _one_source(self, info: ValidationInfo) -> Self:
        sources = {name: getattr(self, name) for name in ("builtin", "onnx")}
        given = {name: value for name, value in sources.items() if name in self.model_fields_set}
        if problems := model_problems(given, self.params, _context(info).base):
            _fail(problems)
        return self


Values = Annotated[list[Any], BeforeValidator(_as_list)]


class SuiteForm(_Form):
    """The whole file."""

    suite: Annotated[str, Field(min_length=1)]
    description: str = ""
    models: dict[str, ModelForm]
    matrix: dict[str, Values]
    defaults: dict[str, Any] = {}
    include: list[dict[str, Values]] = []
    exclude: list[dict[str, Values]] = []
    require: Values = []
    measure: MeasureForm = MeasureForm()
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0

    @field_validator("models")
    @classmethod
    def _models(cls, models: dict[str, ModelForm]) -> dict[str, ModelForm]:
        if not models:
            _fail([((), "expected at least one model, got an empty mapping.")])
        named = (((name,), name_problem(name)) for name in models)
        _fail_if((place, message) for place, message in named if message)
        return models

    @field_validator("matrix")
    @classmethod
    def _matrix(cls, matrix: dict[str, list[Any]], info: ValidationInfo) -> dict[str, list[Any]]:
        problems = list(axes_problems(matrix, _words(info)))
        if missing := [axis for axis in ("backend", "batch") if axis not in matrix]:
            got = ", ".join(matrix) or "an empty mapping"
            problems.append(((), f"expected the axes {' and '.join(missing)} too, got {got}."))
        _fail_if(problems)
        return matrix

    @field_validator("defaults")
    @classmethod
    def _defaults(cls, defaults: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        _fail_if(default_problems(defaults, info.data.get("matrix", {}), _words(info)))
        return defaults

    @field_validator("include", "exclude")
    @classmethod
    def _selections(
        cls, entries: list[dict[str, list[Any]]], info: ValidationInfo
    ) -> list[dict[str, list[Any]]]:
        reasons = info.field_name == "exclude"
        _fail_if(
            ((index, *place), message)
            for index, entry in enumerate(entries)
            for place, message in entry_problems(entry, _words(info), reasons=reasons)
        )
        return entries

    @field_validator("require")
    @classmethod
    def _require(cls, require: list[Any], info: ValidationInfo) -> list[Any]:
        words, used = _words(info), _used_backends(info)
        for index, name in enumerate(require):
            problem = value_problem("backend", name, words)
            if problem is None and used and name not in used:
                problem = f"expected a backend of the matrix, got {name!r}."
            _fail_if([((index,), problem)] if problem else [])
        return require


def _words(info: ValidationInfo) -> Words:
    models = info.data.get("models")
    return Words(
        models=None if models is None else tuple(models), vocabulary=_context(info).vocabulary
    )


def _used_backends(info: ValidationInfo) -> list[Any]:
    """Return the backends of the matrix and of included cases."""
    included = (entry.get("backend", []) for entry in info.data.get("include", []))
    matrix = info.data.get("matrix", {}).get("backend", [])
    return [*matrix, *(backend for backends in included for backend in backends)]


def _fail_if(problems: Iterable[Problem]) -> None:
    if found := list(problems):
        _fail(found)
