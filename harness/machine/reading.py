"""Reading facts that may not be there: a value or the reason why not, never an exception."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

_Parsed = TypeVar("_Parsed")

_NONSENSE = (ValueError, LookupError, ArithmeticError)
_SHOWN = 60


class UnknownFactError(Exception):
    """This machine does not tell; the message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Values by name, None where unknown, and why each unknown one is; JSON-ready."""

    values: dict[str, Any]
    unknown: dict[str, str]

    def known(self, name: str) -> Any:
        """Return the value. Raises UnknownFactError, with the reason, where there is none."""
        if name in self.unknown:
            raise UnknownFactError(self.unknown[name])
        return self.values[name]


def collect(readers: Mapping[str, Callable[[], Any]]) -> Facts:
    """Return what each reader says."""
    values: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    for name, read in readers.items():
        try:
            values[name] = read()
        except (UnknownFactError, *_NONSENSE) as error:
            values[name] = None
            unknown[name] = str(error)
    return Facts(values=values, unknown=unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files of /proc, /sys and /etc: this machine's, or recorded ones below `root`."""

    root: Path = Path("/")

    def text(self, path: str, *, limit_bytes: int = -1) -> str:
        """Return the stripped text of `/path`. Raises UnknownFactError where it cannot be read."""
        try:
            with (self.root / path).open("rb") as file:
                return file.read(limit_bytes).decode(errors="replace").strip()
        except OSError as error:
            raise UnknownFactError(f"/{path}: {error.strerror or error}") from error

    def number(self, path: str) -> int:
        """Return the whole number in `/path`. Raises UnknownFactError."""
        return parsed(path, self.text(path), int, expected="a number")

    def field(self, path: str, name: str, separator: str, *, limit_bytes: int = -1) -> str:
        """Return the value of the first line `name separator value`. Raises UnknownFactError."""
        for line in self.text(path, limit_bytes=limit_bytes).splitlines():
            found, _, value = line.partition(separator)
            if found.strip() == name:
                return value.strip()
        raise UnknownFactError(f"/{path}: no {name!r}")

    def names(self, path: str) -> tuple[str, ...]:
        """Return what the folder `/path` holds, sorted. Raises UnknownFactError."""
        try:
            return tuple(sorted(entry.name for entry in (self.root / path).iterdir()))
        except OSError as error:
            raise UnknownFactError(f"/{path}: {error.strerror or error}") from error

    def has(self, path: str) -> bool:
        """Return whether `/path` is there and may be looked at."""
        try:
            return (self.root / path).exists()
        except OSError:
            return False


def parsed(path: str, text: str, parse: Callable[[str], _Parsed], *, expected: str) -> _Parsed:
    """Return what `parse` makes of a text in `/path`. Raises UnknownFactError for nonsense."""
    try:
        return parse(text)
    except _NONSENSE as error:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise UnknownFactError(f"/{path}: expected {expected}, got {shown!r}") from error


def ranges(text: str) -> tuple[int, ...]:
    """Return the numbers of a kernel list such as `0-3,8`. Raises ValueError."""
    numbers: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        numbers.extend(range(int(first), int(last or first) + 1))
    return tuple(numbers)


def agreed(values: list[str]) -> str:
    """Return the one value that all have, or each different one, in order: `a/b`."""
    return "/".join(dict.fromkeys(values))
