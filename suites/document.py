"""A suite's file as a plain document: YAML 1.2 without duplicate keys, then only what JSON has."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from suites.errors import SuiteError
from suites.wording import Place, spell_place

_DUPLICATE = re.compile(r'found duplicate key "(?P<key>.*?)" with value', re.DOTALL)


def read_yaml(data: bytes, where: str) -> object:
    """Return the document in the bytes of a YAML 1.2 file. Raises SuiteError."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    from suites.composer import LimitedComposer

    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = LimitedComposer
    try:
        return yaml.load(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SuiteError(
            f"{where}: expected UTF-8 text, got byte {data[error.start]:#04x} at offset "
            f"{error.start}. Save the file as UTF-8."
        ) from error
    except MarkedYAMLError as error:
        raise SuiteError(f"{where}: {_explain(error)}") from error
    except YAMLError as error:
        raise SuiteError(f"{where}: expected YAML, got {str(error).splitlines()[0]}.") from error
    except (LookupError, ValueError) as error:
        reason = str(error).rstrip(".")
        raise SuiteError(
            f"{where}: expected YAML of a suite, got a value that its type does not have: {reason}."
        ) from error


def _explain(error: Any) -> str:
    from suites.composer import LimitError

    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
    if isinstance(error, LimitError):
        return f"{place}: {error.problem}"
    problem = (error.problem or "").removeprefix("but ")
    if duplicate := _DUPLICATE.match(problem):
        key = duplicate["key"]
        return f"{place}: expected each key once, got {key!r} again. Rename or remove one of them."
    return f"{place}: expected YAML, got: {problem}."


def write_json(document: object, where: str) -> str:
    """Return the document as JSON.

    Raises SuiteError, one line a problem, for what JSON does not have: keys that are no text,
    numbers that are not finite, dates, sets and bytes.
    """
    problems: list[str] = []
    _check(document, (), problems)
    if problems:
        raise SuiteError("\n".join(f"{where}: {problem}" for problem in problems))
    return json.dumps(document)


def _check(value: object, place: Place, problems: list[str]) -> None:
    if value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            problems.append(f"{_at(place)}expected a finite number, got {value!r}.")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, (*place, index), problems)
    elif isinstance(value, dict):
        _check_mapping(value, place, problems)
    else:
        kind = type(value).__name__
        problems.append(f"{_at(place)}expected text, got a {kind}. Quote it to make it text.")


def _check_mapping(value: dict[Any, object], place: Place, problems: list[str]) -> None:
    for key, item in value.items():
        if isinstance(key, str):
            _check(item, (*place, key), problems)
        else:
            shown = "null" if key is None else str(key).lower() if key in (True, False) else key
            problems.append(f"{_at(place)}expected text as a key, got {shown}. Quote it.")


def _at(place: Place) -> str:
    return f"{spell_place(place)}: " if place else ""
