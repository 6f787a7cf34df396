"""The vocabulary that the installed backends give to suites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines import registry
from suites.vocabulary import OptionWord, Vocabulary

if TYPE_CHECKING:
    from engines.contract import Option


def installed_vocabulary() -> Vocabulary:
    """Return the names of all backends and of the options that each takes."""
    takers: dict[str, list[str]] = {}
    options: dict[str, Option] = {}
    names = registry.names()
    for name in names:
        for option in registry.get(name).options:
            takers.setdefault(option.name, []).append(name)
            options.setdefault(option.name, option)
    words = tuple(
        OptionWord(
            name=name,
            kind=type(option.default),
            backends=tuple(takers[name]),
            choices=option.choices,
            minimum=option.minimum,
        )
        for name, option in options.items()
    )
    return Vocabulary(backends=names, options=words)
