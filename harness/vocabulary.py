"""The vocabulary that the installed backends give to suites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines import registry
from suites.vocabulary import OptionWord, Vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engines.contract import Option


def installed_vocabulary() -> Vocabulary:
    """Return the names of all backends and of the options that each takes."""
    takers: dict[str, dict[str, Option]] = {}
    names = registry.names()
    for name in names:
        for option in registry.get(name).options:
            takers.setdefault(option.name, {})[name] = option
    return Vocabulary(backends=names, options=tuple(map(_word, takers.values())))


def _word(takers: Mapping[str, Option]) -> OptionWord:
    """Return the widest of what the backends that take an option allow."""
    options = list(takers.values())
    return OptionWord(
        name=options[0].name,
        kind=_kind(options),
        backends=tuple(takers),
        choices=_choices(options),
        minimum=_minimum(options),
    )


def _kind(options: Sequence[Option]) -> type[str] | type[int] | type[float] | type[bool]:
    """Return the kind of the first default; a float where another backend has one."""
    kinds = [type(option.default) for option in options]
    return float if kinds[0] is int and float in kinds else kinds[0]


def _choices(options: Sequence[Option]) -> tuple[str | int | float | bool, ...]:
    """Return every choice once, or none where one of the backends has no list."""
    if not all(option.choices for option in options):
        return ()
    return tuple(dict.fromkeys(choice for option in options for choice in option.choices))


def _minimum(options: Sequence[Option]) -> float | None:
    bounds = [option.minimum for option in options if option.minimum is not None]
    return min(bounds) if len(bounds) == len(options) else None
