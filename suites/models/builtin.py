"""The built-in models by name, their parameters, and the check of what a suite gives for those.

Importing this file needs the standard library only: a signature costs no onnx, a graph does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from suites.errors import SuiteError, did_you_mean
from suites.signature import Signature
from suites.wording import spell_found

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A size of a built-in model: any integer from `minimum` on."""

    name: str
    default: int
    minimum: int = 1
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Builtin:
    """A model that dyno makes itself.

    `signature` and `build` take every parameter, as `resolve` returns them. `signature` raises a
    SuiteError, its message without a place, where parameters do not go together. `build` is a pure
    function: the same parameters give the same bytes on every machine.
    """

    name: str
    summary: str
    family: str
    parameters: tuple[Parameter, ...]
    signature: Callable[[Mapping[str, int]], Signature]
    build: Callable[[Mapping[str, int]], ModelProto]


@cache
def builtins() -> Mapping[str, Builtin]:
    """Return every built-in model by name, families together."""
    from suites.models import ceilings, cnn, detector, mlp, recurrent, text, transformer

    families = (recurrent, text, mlp, cnn, detector, transformer, ceilings)
    return MappingProxyType(
        {builtin.name: builtin for family in families for builtin in family.BUILTINS}
    )


def get(name: str, *, where: str = "builtin") -> Builtin:
    """Return the built-in model of that name. `where` begins the message of a SuiteError."""
    known = builtins()
    if name not in known:
        raise SuiteError(
            f"{where}: expected one of {', '.join(known)}, got {name!r}.{did_you_mean(name, known)}"
        )
    return known[name]


def resolve(
    builtin: Builtin, params: Mapping[str, object], *, where: str | None = None
) -> dict[str, int]:
    """Return the value of every parameter, the given ones checked and the others at their default.

    `where` begins the message of a SuiteError; without it the model's name does.
    """
    where = builtin.name if where is None else where
    known = [parameter.name for parameter in builtin.parameters]
    for name in params:
        if name not in known:
            hint = did_you_mean(name, known) or " Leave it out."
            raise SuiteError(
                f"{where}: expected parameters among {', '.join(known)}, got {name!r}.{hint}"
            )
    values = {
        parameter.name: _checked(parameter, params.get(parameter.name, parameter.default), where)
        for parameter in builtin.parameters
    }
    try:
        builtin.signature(values)
    except SuiteError as error:
        raise SuiteError(f"{where}: {error}") from None
    return values


def _checked(parameter: Parameter, value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < parameter.minimum:
        raise SuiteError(
            f"{where}.{parameter.name}: expected an integer from {parameter.minimum} on, "
            f"got {spell_found(value)}. It is {parameter.help}; the default is {parameter.default}."
        )
    return value
