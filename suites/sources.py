"""What a suite may write for a model's dimensions and for the values of its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from suites.axes import size_problem
from suites.errors import reason
from suites.expressions import parse_expression
from suites.wording import Problem, spell_found, spell_words

ARRAY_SUFFIXES = (".npy", ".npz")

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


def absence(base: Path, given: str, *, hint: str = "") -> str | None:
    """Return what is at a path instead of a file, with a remedy, or None where one is."""
    path = base / given
    try:
        if path.is_dir():
            return "which is a folder. Name the file in it."
        return None if path.is_file() else f"which is not there.{hint or f' {_RELATIVE}'}"
    except OSError as error:
        return f"which cannot be read: {reason(error)}."


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
    elif problem := absence(base, given):
        yield ("file",), f"expected an array file, got {given!r}, {problem}"
    elif not isinstance(key, str):
        yield ("key",), f"expected the name of an array, got {spell_found(key)}."
    elif key and Path(given).suffix == ".npy":
        yield ("key",), f"expected none for a .npy file, got {key!r}. Remove it."
