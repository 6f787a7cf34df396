"""What a suite may write for a model's source, its dimensions and the values of its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from suites.axes import size_problem
from suites.errors import STRICT_LIKENESS, SuiteError, did_you_mean
from suites.models import builtin
from suites.shapes import parse_expression
from suites.wording import Problem, spell_found, spell_words

ARRAY_SUFFIXES = (".npy", ".npz")
SOURCES = ("builtin", "onnx")
MODEL_KEYS = (*SOURCES, "dims", "inputs")

Problems = list[Problem]

_RELATIVE = "Paths start from the suite's folder."


def dim_problem(value: object) -> str | None:
    """Return why a value is no dimension of `dims`, or None."""
    if isinstance(value, str):
        if parse_expression(value) is not None:
            return None
    elif size_problem(value) is None:
        return None
    found = spell_found(value)
    return f"expected a size, a name, or an expression such as '2*sequence', got {found}."


def model_problems(
    sources: Mapping[str, object], params: Mapping[str, object], base: Path
) -> Problems:
    """Return what is wrong with a model's source and with the parameters beside it."""
    if len(sources) != 1:
        got = " and ".join(sources) or spell_words(params) or "an empty mapping"
        hints = (hint for name in params if not sources and (hint := did_you_mean(name, SOURCES)))
        return [((), f"expected one of builtin and onnx, got {got}.{next(hints, '')}")]
    if "builtin" in sources:
        return list(_builtin_problems(sources["builtin"], params))
    return [
        *_file_problems(sources["onnx"], base),
        *(((), _unknown_key(name)) for name in params),
    ]


def _unknown_key(name: str) -> str:
    return f"expected only onnx, dims, inputs, got {name!r}.{did_you_mean(name, MODEL_KEYS)}"


def _builtin_problems(name: object, params: Mapping[str, object]) -> Iterator[Problem]:
    known = builtin.builtins()
    if not isinstance(name, str) or name not in known:
        hint = did_you_mean(name, known)
        yield ("builtin",), f"expected one of {spell_words(known)}, got {spell_found(name)}.{hint}"
        return
    parameters = [parameter.name for parameter in known[name].parameters]
    unknown = [param for param in params if param not in parameters]
    for param in unknown:
        words = [*parameters, "dims", "inputs"]
        hint = did_you_mean(param, words)
        yield (), f"expected builtin with {spell_words(words)}, got {param!r}.{hint}"
    given = {param: value for param, value in params.items() if param in parameters}
    try:
        builtin.resolve(known[name], given, where="")
    except SuiteError as error:
        place, _, message = str(error).partition(": ")
        yield (place[1:],) if place.startswith(".") else (), message


def _file_problems(given: object, base: Path) -> Iterator[Problem]:
    if isinstance(given, dict):
        got = f"expected the path of a file, got {_mapping_of(given)}."
        yield ("onnx",), f"{got} Models from packages and functions are not supported yet."
    elif not isinstance(given, str):
        yield ("onnx",), f"expected the path of a file, got {spell_found(given)}."
    elif problem := _absence(base, given, hint=_builtin_hint(given)):
        yield ("onnx",), f"expected an ONNX file, got {given!r}, {problem}"


def _builtin_hint(given: str) -> str:
    """Return a hint for what may be the name of a built-in model instead of a path."""
    path = Path(given)
    if len(path.parts) != 1:
        return ""
    hint = did_you_mean(path.stem, builtin.builtins(), likeness=STRICT_LIKENESS)
    return hint.replace("mean", "mean the built-in")


def _absence(base: Path, given: str, *, hint: str = "") -> str | None:
    """Return what is at a path instead of a file, with a remedy, or None where one is."""
    path = base / given
    try:
        if path.is_dir():
            return "which is a folder. Name the file in it."
        return None if path.is_file() else f"which is not there.{hint or f' {_RELATIVE}'}"
    except OSError as error:
        return f"which cannot be read: {(error.strerror or 'unreadable').lower()}."


def _mapping_of(given: dict[object, object]) -> str:
    return f"a mapping with {next(iter(given))!r}" if given else "an empty mapping"


def input_problems(given: Mapping[str, object], base: Path) -> Problems:
    """Return what is wrong with the source of an input: a value, a file, or a range."""
    kinds = [kind for kind in ("value", "file") if kind in given]
    kinds += ["low/high"] if given.keys() & {"low", "high"} else []
    if len(kinds) != 1:
        got = " and ".join(kinds) or spell_words(given) or "an empty mapping"
        return [((), f"expected one of value, file, and low/high, got {got}.")]
    if "key" in given and "file" not in given:
        return [(("key",), f"expected only beside file, got it beside {kinds[0]}.")]
    if "file" in given:
        return list(_array_problems(given["file"], given.get("key", ""), base))
    checks = {"value": _value_problem, "low": _bound_problem, "high": _bound_problem}
    found = ((name, checks[name](value)) for name, value in given.items())
    return [((name,), message) for name, message in found if message]


def _value_problem(value: object) -> str | None:
    if isinstance(value, int | float):
        return None
    return f"expected a number, true or false, got {spell_found(value)}."


def _bound_problem(value: object) -> str | None:
    if isinstance(value, str):
        if parse_expression(value) is not None:
            return None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        return None
    found = spell_found(value)
    return f"expected a number, or an expression such as 'sequence+1', got {found}."


def _array_problems(given: object, key: object, base: Path) -> Iterator[Problem]:
    if not isinstance(given, str) or Path(given).suffix not in ARRAY_SUFFIXES:
        yield ("file",), f"expected the path of a .npy or .npz file, got {spell_found(given)}."
    elif problem := _absence(base, given):
        yield ("file",), f"expected an array file, got {given!r}, {problem}"
    elif not isinstance(key, str):
        yield ("key",), f"expected the name of an array, got {spell_found(key)}."
    elif key and Path(given).suffix == ".npy":
        yield ("key",), f"expected none for a .npy file, got {key!r}. Remove it."
