"""The shape of a suite's file for pydantic, and the rules that need the vocabulary.

Instances live only while a file is read; `suites/load.py` turns them into the values of
`suites/suite.py`. Every validator reports all it finds, with the place below its field.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from suites.axes import (
    Words,
    axes_problems,
    default_problems,
    entry_problems,
    name_problem,
    value_problem,
)
from suites.calibration_form import CalibrationForm
from suites.dataset_form import dataset_problems
from suites.form import STRICT, fail, fail_if
from suites.gate_form import gate_problems, moot_problems
from suites.measure_form import MeasureForm
from suites.model_sources import SOURCES, model_problems
from suites.sources import Problems, dim_problem, input_problems
from suites.vocabulary import Vocabulary

LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a document is checked against: the words there are, and the folder paths start from."""

    vocabulary: Vocabulary
    base: Path


def _context(info: ValidationInfo) -> Context:
    context: Context = info.context  # type: ignore[assignment]
    return context


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


class InputForm(BaseModel):
    """`models.<name>.inputs.<input>`: a value, a file, or a range."""

    model_config = STRICT

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
            fail(problems)
        return self


class ModelForm(BaseModel):
    """`models.<name>`: keys beyond the declared are parameters of a built-in model."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    builtin: Any = None
    onnx: Any = None
    python: Any = None
    dims: dict[str, list[Any]] = {}
    inputs: dict[str, InputForm] = {}
    dataset: Any = None

    @property
    def params(self) -> dict[str, Any]:
        """Return the parameters beside the source."""
        return dict(self.model_extra or {})

    @field_validator("dims")
    @classmethod
    def _dims(cls, dims: dict[str, list[Any]]) -> dict[str, list[Any]]:
        found = (((name, i), dim_problem(dim)) for name in dims for i, dim in enumerate(dims[name]))
        fail_if((place, message) for place, message in found if message)
        return dims

    @field_validator("dataset")
    @classmethod
    def _dataset(cls, dataset: Any, info: ValidationInfo) -> Any:
        fail_if(dataset_problems(dataset, _context(info).base))
        return dataset

    @model_validator(mode="after")
    def _one_source(self, info: ValidationInfo) -> Self:
        sources = {name: getattr(self, name) for name in SOURCES}
        given = {name: value for name, value in sources.items() if name in self.model_fields_set}
        if problems := model_problems(given, self.params, _context(info).base):
            fail(problems)
        return self


Values = Annotated[list[Any], BeforeValidator(_as_list)]


class SuiteForm(BaseModel):
    """The whole file."""

    model_config = STRICT

    suite: Annotated[str, Field(min_length=1)]
    description: str = ""
    models: dict[str, ModelForm]
    matrix: dict[str, Values]
    defaults: dict[str, Any] = {}
    include: list[dict[str, Values]] = []
    exclude: list[dict[str, Values]] = []
    require: Values = []
    measure: MeasureForm = MeasureForm()
    calibration: CalibrationForm = CalibrationForm()
    gate: dict[str, Any] = {}
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = 0

    @field_validator("models")
    @classmethod
    def _models(cls, models: dict[str, ModelForm]) -> dict[str, ModelForm]:
        if not models:
            fail([((), "expected at least one model, got an empty mapping.")])
        named = (((name,), name_problem(name)) for name in models)
        fail_if((place, message) for place, message in named if message)
        return models

    @field_validator("matrix")
    @classmethod
    def _matrix(cls, matrix: dict[str, list[Any]], info: ValidationInfo) -> dict[str, list[Any]]:
        problems = list(axes_problems(matrix, _words(info)))
        if missing := [axis for axis in ("backend", "batch") if axis not in matrix]:
            got = ", ".join(matrix) or "an empty mapping"
            problems.append(((), f"expected the axes {' and '.join(missing)} too, got {got}."))
        fail_if(problems)
        return matrix

    @field_validator("defaults")
    @classmethod
    def _defaults(cls, defaults: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        fail_if(default_problems(defaults, info.data.get("matrix", {}), _words(info)))
        return defaults

    @field_validator("include", "exclude")
    @classmethod
    def _selections(
        cls, entries: list[dict[str, list[Any]]], info: ValidationInfo
    ) -> list[dict[str, list[Any]]]:
        reasons = info.field_name == "exclude"
        fail_if(
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
            fail_if([((index,), problem)] if problem else [])
        return require

    @field_validator("gate")
    @classmethod
    def _gate(cls, gate: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        fail_if(gate_problems(gate))
        if {"models", "matrix", "include", "measure"} <= info.data.keys():
            fail_if(_moot_problems(gate, info.data))
        return gate


def _moot_problems(gate: dict[str, Any], data: dict[str, Any]) -> Problems:
    """Return which parts of the gate hold for no case of a suite whose other fields are `data`."""
    if gate.get("accuracy") and not data["measure"].accuracy:
        told = "expected only where answers are checked, got measure.accuracy: false."
        return [(("accuracy",), f"{told} Remove one of them.")]
    datasets = [model.dataset for model in data["models"].values()]
    tasks = [each["task"] for each in datasets if isinstance(each, dict) and "task" in each]
    named = ["classification"] * any(isinstance(each, str) for each in datasets)
    included = [value for entry in data["include"] for value in entry.get("precision", [])]
    used = dict.fromkeys((*data["matrix"].get("precision", ["fp32"]), *included))
    return list(moot_problems(gate, tasks=[*tasks, *named], precisions=used))


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
