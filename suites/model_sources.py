"""What a suite may write for where a model comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from suites.errors import STRICT_LIKENESS, SuiteError, did_you_mean
from suites.models import builtin
from suites.models.packages import packages
from suites.sources import Problems, absence
from suites.wording import Problem, spell_found, spell_words

SOURCES = ("builtin", "onnx", "python")

_SHARED = ("dims", "inputs", "dataset")
_BESIDE = {"onnx": _SHARED, "python": ("args", *_SHARED)}
_IN_PACKAGE = ("package", "file")
_OWN_PACKAGES = ("engines", "harness", "results", "suites")
_FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_ARGUMENT = re.compile(r"[^\W\d]\w*")


def model_problems(
    sources: Mapping[str, object], params: Mapping[str, object], base: Path
) -> Problems:
    """Return what is wrong with a model's source and with the parameters beside it."""
    if len(sources) != 1:
        got = " and ".join(sources) or spell_words(params) or "an empty mapping"
        hints = (hint for name in params if not sources and (hint := did_you_mean(name, SOURCES)))
        return [((), f"expected one of builtin, onnx and python, got {got}.{next(hints, '')}")]
    ((kind, given),) = sources.items()
    if kind == "builtin":
        return list(_builtin_problems(given, params))
    found = _onnx_problems(given, base) if kind == "onnx" else _python_problems(given, params)
    unknown = [name for name in params if name not in _BESIDE[kind]]
    return [*found, *(((), _unknown_key(name, (kind, *_BESIDE[kind]))) for name in unknown)]


def _unknown_key(name: str, words: Sequence[str]) -> str:
    hint = did_you_mean(name, (*SOURCES, *words))
    return f"expected only {spell_words(words)}, got {name!r}.{hint}"


def _builtin_problems(name: object, params: Mapping[str, object]) -> Iterator[Problem]:
    known = builtin.builtins()
    if not isinstance(name, str) or name not in known:
        hint = did_you_mean(name, known)
        yield ("builtin",), f"expected one of {spell_words(known)}, got {spell_found(name)}.{hint}"
        return
    parameters = [parameter.name for parameter in known[name].parameters]
    unknown = [param for param in params if param not in parameters]
    for param in unknown:
        words = [*parameters, *_SHARED]
        hint = did_you_mean(param, words)
        yield (), f"expected builtin with {spell_words(words)}, got {param!r}.{hint}"
    given = {param: value for param, value in params.items() if param in parameters}
    try:
        builtin.resolve(known[name], given, where="")
    except SuiteError as error:
        place, _, message = str(error).partition(": ")
        yield (place[1:],) if place.startswith(".") else (), message


def _onnx_problems(given: object, base: Path) -> Iterator[Problem]:
    if isinstance(given, dict):
        yield from _package_problems(given)
    elif not isinstance(given, str):
        got = spell_found(given)
        yield ("onnx",), f"expected the path of a file, or package and file, got {got}."
    elif problem := absence(base, given, hint=_builtin_hint(given)):
        yield ("onnx",), f"expected an ONNX file, got {given!r}, {problem}"


def _builtin_hint(given: str) -> str:
    """Return a hint for what may be the name of a built-in model instead of a path."""
    path = Path(given)
    if len(path.parts) != 1:
        return ""
    hint = did_you_mean(path.stem, builtin.builtins(), likeness=STRICT_LIKENESS)
    return hint.replace("mean", "mean the built-in")


def _package_problems(given: Mapping[str, object]) -> Iterator[Problem]:
    if set(given) != set(_IN_PACKAGE):
        stray = next((key for key in given if key not in _IN_PACKAGE), None)
        hint = did_you_mean(stray, _IN_PACKAGE) if stray else ""
        got = spell_words(given) or "an empty mapping"
        yield ("onnx",), f"expected the keys package and file, got {got}.{hint}"
        return
    known = packages()
    name, file = given["package"], given["file"]
    if not isinstance(name, str) or name not in known:
        yield ("onnx", "package"), _one_of(known, name)
    elif not isinstance(file, str) or file not in known[name].files:
        yield ("onnx", "file"), _one_of(known[name].files, file)


def _one_of(known: Mapping[str, object], found: object) -> str:
    hint = did_you_mean(found, known)
    return f"expected one of {spell_words(known)}, got {spell_found(found)}.{hint}"


def _python_problems(given: object, params: Mapping[str, object]) -> Iterator[Problem]:
    if not isinstance(given, str) or _FUNCTION.fullmatch(given) is None:
        got = spell_found(given)
        yield ("python",), f"expected a module and a function such as 'zoo.rnn:build', got {got}."
    elif given.partition(":")[0].partition(".")[0] in _OWN_PACKAGES:
        own = f"which is in a package of dyno's: {spell_words(_OWN_PACKAGES)}"
        yield ("python",), f"expected a module of yours, got {given!r}, {own}. Rename your module."
    args = params.get("args", {})
    if not isinstance(args, dict):
        yield ("args",), f"expected a mapping, got {spell_found(args)}."
        return
    for name, value in args.items():
        if _ARGUMENT.fullmatch(name) is None:
            yield ("args",), f"expected names of arguments, got {name!r}."
        elif not isinstance(value, str | int | float):
            found = spell_found(value)
            yield ("args", name), f"expected text, a number, true or false, got {found}."
