"""pydantic's findings as the house's messages, in the order of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suites.calibration_form import CalibrationForm
from suites.errors import did_you_mean
from suites.measure_form import LaunchesForm, MeasureForm
from suites.schema import InputForm, SuiteForm
from suites.wording import Place, spell_found, spell_place, spell_words

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "string_too_short": "text",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than_equal": "a number of at most {le}",
}


def explain(error: ValidationError, document: object, where: str) -> str:
    """Return every problem as a line `<where>: <place>: expected <what>, got <found>`."""
    details = error.errors(include_url=False)
    details.sort(key=lambda detail: _position(detail["loc"], document))
    return "\n".join(f"{where}: {_line(detail)}" for detail in details)


def _line(detail: ErrorDetails) -> str:
    place, message = _problem(detail)
    return f"{spell_place(place)}: {message}" if place else message


def _problem(detail: ErrorDetails) -> tuple[Place, str]:
    place, kind = detail["loc"], detail["type"]
    if kind == "house":
        return place, detail["ctx"]["message"]
    if kind == "extra_forbidden":
        return _unknown_key(place)
    if kind == "missing":
        return place[
            :-1
        ], f"expected the key {place[-1]!r} too, got {spell_words(detail['input'])}."
    bounds = {name: _spell_bound(bound) for name, bound in detail.get("ctx", {}).items()}
    expected = _KINDS.get(kind, "something else").format(**bounds)
    return place, f"expected {expected}, got {spell_found(detail['input'])}."


def _spell_bound(bound: object) -> str:
    """Return a bound, a whole one of seconds without its `.0` and a large one in full."""
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _unknown_key(place: Place) -> tuple[Place, str]:
    key = str(place[-1])
    words = list(_form(place).model_fields)
    hint = did_you_mean(key, words)
    return place[:-1], f"expected one of {spell_words(words)}, got {key!r}.{hint}"


def _form(place: Place) -> type[BaseModel]:
    if place[0] == "models":
        return InputForm
    if place[0] == "measure" and len(place) > 1:
        return LaunchesForm if len(place) > 2 else MeasureForm
    if place[0] == "calibration" and len(place) > 1:
        return CalibrationForm
    return SuiteForm


def _position(place: Place, document: Any) -> tuple[int, ...]:
    position = []
    for part in place:
        if isinstance(document, dict) and part in document:
            position.append(list(document).index(str(part)))
            document = document[part]
        elif isinstance(document, list) and isinstance(part, int) and part < len(document):
            position.append(part)
            document = document[part]
        else:
            break
    return tuple(position)
