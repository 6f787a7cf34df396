"""What a suite may write for the data set of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from suites.datasets.named import DATASETS
from suites.errors import did_you_mean
from suites.sources import Problems, absence
from suites.suite import TASKS
from suites.wording import Problem, spell_found, spell_words

KEYS = ("npz", "inputs", "labels", "task", "output")

_LABELLED = ("labels", "task")


def dataset_problems(given: object, base: Path) -> Problems:
    """Return what is wrong with a data set: a name, or a file and what its arrays are."""
    if isinstance(given, dict) and given:
        return list(_file_problems(given, base))
    if isinstance(given, str) and given in DATASETS:
        return []
    expected = f"one of {spell_words(DATASETS)}, or a mapping with npz and inputs"
    hint = did_you_mean(given, DATASETS)
    if isinstance(given, str) and given.endswith(".npz"):
        hint = f" Write {{npz: {given}, inputs: …}}, with the array's name for each input."
    return [((), f"expected {expected}, got {spell_found(given)}.{hint}")]


def _file_problems(given: Mapping[str, object], base: Path) -> Iterator[Problem]:
    for name in given:
        if name not in KEYS:
            hint = did_you_mean(name, KEYS)
            yield (), f"expected one of {spell_words(KEYS)}, got {name!r}.{hint}"
    if missing := [name for name in ("npz", "inputs") if name not in given]:
        yield (), f"expected the key {missing[0]!r} too, got {spell_words(given)}."
    if len(labelled := [name for name in _LABELLED if name in given]) == 1:
        absent = next(name for name in _LABELLED if name not in given)
        yield (), f"expected the key {absent!r} beside {labelled[0]!r}, got {spell_words(given)}."
    elif "output" in given and not labelled:
        yield ("output",), "expected only beside labels. Remove it."
    checks = {"npz": _npz_problem, "task": _task_problem, "labels": _key_problem}
    for name, value in given.items():
        if name == "inputs":
            yield from _inputs_problems(value)
        elif name == "output" and not isinstance(value, str):
            yield (name,), f"expected the name of an output, got {spell_found(value)}."
        elif name in checks and (problem := checks[name](value, base)):
            yield (name,), problem


def _npz_problem(given: object, base: Path) -> str | None:
    if not isinstance(given, str) or Path(given).suffix != ".npz":
        return f"expected the path of a .npz file, got {spell_found(given)}."
    problem = absence(base, given)
    return f"expected a .npz file, got {given!r}, {problem}" if problem else None


def _task_problem(given: object, _base: Path) -> str | None:
    if given in TASKS:
        return None
    hint = did_you_mean(given, TASKS)
    return f"expected one of {spell_words(TASKS)}, got {spell_found(given)}.{hint}"


def _key_problem(given: object, _base: Path) -> str | None:
    if isinstance(given, str):
        return None
    return f"expected the name of an array, got {spell_found(given)}."


def _inputs_problems(given: object) -> Iterator[Problem]:
    if not isinstance(given, dict) or not given:
        expected = "the name of an array for each input, such as {x: images}"
        yield ("inputs",), f"expected {expected}, got {spell_found(given)}."
        return
    for name, key in given.items():
        if problem := _key_problem(key, Path()):
            yield ("inputs", name), problem
