"""Expressions over named dimensions, such as `sequence//2+1`. They travel with the worker."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_OPERAND = re.compile(r"\s*(?:(?P<size>\d{1,9})|(?P<name>[^\W\d][\w.]*))\s*")
_OPERATOR = re.compile(r"//|[-+*]")
_LONGEST_EXPRESSION = 200

Term = tuple[str, int | str]
"""An operator and what it is applied to: a size or the name of a dimension."""


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> tuple[Term, ...] | None:
    """Return the terms of `sequence`, `2*sequence` or `sequence//2+1`, or None where it is neither.

    Operators are `+ - * //` with their usual precedence, without parentheses.
    """
    terms: list[Term] = []
    operator, position = "+", 0
    while len(text) <= _LONGEST_EXPRESSION:
        operand = _OPERAND.match(text, position)
        if operand is None:
            return None
        value = int(operand["size"]) if operand["size"] else operand["name"]
        if operator == "//" and value == 0:
            return None
        terms.append((operator, value))
        if operand.end() == len(text):
            return tuple(terms)
        found = _OPERATOR.match(text, operand.end())
        if found is None:
            return None
        operator, position = found[0], found.end()
    return None


def evaluate(dim: int | str, sizes: Mapping[str, int]) -> int:
    """Return the value of a dimension. Raises KeyError for a name without a size."""
    if isinstance(dim, int):
        return dim
    total, term, sign = 0, 0, 1
    for operator, operand in parse_expression(dim) or ():
        value = sizes[operand] if isinstance(operand, str) else operand
        if operator in "+-":
            total, term, sign = total + sign * term, value, -1 if operator == "-" else 1
        else:
            term = term * value if operator == "*" else term // value
    return total + sign * term
