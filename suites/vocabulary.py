"""The words a suite may use beyond its own: names of backends and of the options they take."""

from __future__ import annotations

from dataclasses import dataclass

from suites.case import OptionValue


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionWord:
    """An option, the values it may have, and the backends that take it.

    Legal are `choices` where there are any, else values of `kind` from `minimum` on; None sets no
    bound. What one of several backends refuses, it says case by case.
    """

    name: str
    kind: type[str] | type[int] | type[float] | type[bool]
    backends: tuple[str, ...]
    choices: tuple[OptionValue, ...] = ()
    minimum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What the installed backends add to the language of suites."""

    backends: tuple[str, ...]
    options: tuple[OptionWord, ...] = ()

    def option(self, name: str) -> OptionWord | None:
        """Return the option of that name, or None."""
        return next((word for word in self.options if word.name == name), None)
