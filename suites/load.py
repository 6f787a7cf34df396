"""A suite's file as a value, wholly checked before anything runs.

`suites/document.py` reads the YAML, `suites/schema.py` checks the shape; this file joins them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suites.case import OptionValue
from suites.document import read_yaml, write_json
from suites.errors import SuiteError, did_you_mean, reason
from suites.models.packages import packages
from suites.suite import (
    Axis,
    BuiltinSource,
    Calibration,
    Dataset,
    FileDataset,
    FileInput,
    FileSource,
    FixedInput,
    InputSource,
    Measure,
    Model,
    NamedDataset,
    PackageSource,
    PythonSource,
    RandomInput,
    Selection,
    Source,
    Suite,
)
from suites.vocabulary import Vocabulary
from suites.wording import spell_found

if TYPE_CHECKING:
    from suites.measure_form import MeasureForm
    from suites.schema import InputForm, ModelForm, SuiteForm

LIBRARY = Path(__file__).parent / "library"
SUFFIXES = (".yaml", ".yml")

_DESCRIPTION = "description: "


def load_suite(name_or_path: str, vocabulary: Vocabulary) -> Suite:
    """Return the suite of a file, or the shipped suite of that name.

    What has a folder or a YAML suffix in it is a path. Raises SuiteError, one line a problem.
    """
    path = _find(name_or_path)
    try:
        data = path.read_bytes()
    except IsADirectoryError as error:
        raise SuiteError(
            f"{name_or_path}: expected a suite's file, got a folder. Name a .yaml file in it."
        ) from error
    except OSError as error:
        raise SuiteError(
            f"{name_or_path}: expected a suite's file, got: {reason(error)}."
        ) from error
    return parse_suite(
        read_yaml(data, path.name),
        where=path.name,
        base=path.parent.resolve(),
        sha256=hashlib.sha256(data).hexdigest(),
        path=path,
        vocabulary=vocabulary,
    )


def shipped() -> tuple[tuple[str, str], ...]:
    """Return name and description of every shipped suite, by name; parses no YAML."""
    return tuple((path.stem, _description(path)) for path in sorted(LIBRARY.glob("*.yaml")))


def _description(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    found = (line for line in lines if line.startswith(_DESCRIPTION))
    return next(found, _DESCRIPTION).removeprefix(_DESCRIPTION)


def _find(name_or_path: str) -> Path:
    path = Path(name_or_path)
    names = sorted(file.stem for file in LIBRARY.glob("*.yaml"))
    if name_or_path in names:
        return LIBRARY / f"{name_or_path}.yaml"
    if path.suffix in SUFFIXES or len(path.parts) > 1 or _is_folder(path):
        return path
    hint = did_you_mean(name_or_path, names)
    if path.suffix == ".onnx":
        hint = " Name the model in a suite, or measure it with `dyno bench`."
    raise SuiteError(
        f"suite: expected one of {', '.join(names)}, or the path of a .yaml file, "
        f"got {name_or_path!r}.{hint}"
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def parse_suite(
    document: object,
    *,
    where: str,
    base: Path,
    sha256: str,
    path: Path | None,
    vocabulary: Vocabulary,
) -> Suite:
    """Return the suite that a document of mappings, lists, text and numbers says.

    Paths in it start from `base`; `where` begins every message. Raises SuiteError, one line a
    problem, in the order of the document.
    """
    from pydantic import ValidationError

    from suites.explain import explain
    from suites.schema import Context, SuiteForm

    if not isinstance(document, dict):
        raise SuiteError(
            f"{where}: expected a mapping with the keys suite, models and matrix, "
            f"got {spell_found(document)}."
        )
    context = Context(vocabulary=vocabulary, base=base)
    try:
        form = SuiteForm.model_validate_json(write_json(document, where), context=context)
    except ValidationError as error:
        raise SuiteError(explain(error, document, where)) from error
    return _suite(form, base=base, sha256=sha256, path=path)


def _suite(form: SuiteForm, *, base: Path, sha256: str, path: Path | None) -> Suite:
    from suites.gate_form import read_gate

    return Suite(
        name=form.suite,
        path=path,
        sha256=sha256,
        description=form.description,
        models=tuple(_model(name, model, base) for name, model in form.models.items()),
        matrix=_matrix(form),
        defaults=tuple(form.defaults.items()),
        include=_selections("include", form.include),
        exclude=_selections("exclude", form.exclude),
        require=tuple(form.require),
        measure=_measure(form.measure),
        calibration=Calibration(samples=form.calibration.samples, method=form.calibration.method),
        gate=read_gate(form.gate),
        seed=form.seed,
    )


def _matrix(form: SuiteForm) -> tuple[Axis, ...]:
    """Return the axes as written, before them `model` and `precision` where they were left out."""
    standard: dict[str, list[OptionValue]] = {"model": list(form.models), "precision": ["fp32"]}
    left_out = {name: values for name, values in standard.items() if name not in form.matrix}
    axes = {**left_out, **form.matrix}
    return tuple(Axis(name=name, values=tuple(values)) for name, values in axes.items())


def _model(name: str, form: ModelForm, base: Path) -> Model:
    source = _source(form, base)
    dims = {input_: tuple(dims) for input_, dims in form.dims.items()}
    inputs = {input_: _input(given, base) for input_, given in form.inputs.items()}
    if isinstance(source, PackageSource):
        file = packages()[source.package].files[source.file]
        dims, inputs = {**dict(file.dims), **dims}, {**dict(file.values), **inputs}
    return Model(
        name=name,
        source=source,
        dims=tuple(dims.items()),
        inputs=tuple(inputs.items()),
        dataset=None if form.dataset is None else _dataset(form.dataset, base),
    )


def _source(form: ModelForm, base: Path) -> Source:
    if form.builtin is not None:
        return BuiltinSource(name=form.builtin, params=tuple(form.params.items()))
    if form.python is not None:
        module, _, function = form.python.partition(":")
        args = tuple(form.params.get("args", {}).items())
        return PythonSource(module=module, function=function, folder=base, args=args)
    if isinstance(form.onnx, dict):
        return PackageSource(package=form.onnx["package"], file=form.onnx["file"])
    return FileSource(path=base / form.onnx, given=form.onnx)


def _input(form: InputForm, base: Path) -> InputSource:
    if form.file is not None:
        return FileInput(path=base / form.file, given=form.file, key=form.key)
    if form.value is not None:
        return FixedInput(value=form.value)
    return RandomInput(low=form.low, high=form.high)


def _dataset(given: Any, base: Path) -> Dataset:
    if isinstance(given, str):
        return NamedDataset(name=given)
    return FileDataset(
        path=base / given["npz"],
        given=given["npz"],
        inputs=tuple(given["inputs"].items()),
        labels=given.get("labels"),
        task=given.get("task"),
        output=given.get("output"),
    )


def _measure(form: MeasureForm) -> Measure:
    return Measure(
        target=form.target,
        launches_min=form.launches.min,
        launches_max=form.launches.max,
        launch_s=form.launch_s,
        case_s=form.case_s,
        timeout_s=form.timeout_s,
        telemetry_s=form.telemetry_s,
        accuracy=form.accuracy,
    )


def _selections(key: str, entries: list[dict[str, list[Any]]]) -> tuple[Selection, ...]:
    return tuple(_selection(f"{key}[{index}]", entry) for index, entry in enumerate(entries))


def _selection(where: str, entry: Mapping[str, list[Any]]) -> Selection:
    axes = {name: tuple(values) for name, values in entry.items()}
    reason = axes.pop("reason", ("",))[0]
    return Selection(where=where, axes=tuple(axes.items()), reason=reason)
