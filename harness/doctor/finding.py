"""What a check found, and how to say it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters for numbers; the worst first."""

    WARNING = "warning"
    NOTE = "note"
    OK = "ok"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The value found, what it does to numbers, and what mends it.

    `finding` is a phrase that reads behind the id and a colon, `effect` and `remedy` are sentences;
    `command` can be pasted into a shell as it is. A warning matters for numbers measured now, a
    note is worth knowing. Where the level is unknown, the finding is the reason.
    """

    id: str = ""
    level: Level
    finding: str
    effect: str = ""
    remedy: str = ""
    command: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the fields as JSON-ready data."""
        return {**asdict(self), "level": self.level.value}


def ok(finding: str) -> Finding:
    """Return that all is well."""
    return Finding(level=Level.OK, finding=finding)


def note(finding: str, *, effect: str, remedy: str, command: str = "") -> Finding:
    """Return what is worth knowing."""
    return Finding(level=Level.NOTE, finding=finding, effect=effect, remedy=remedy, command=command)


def warning(finding: str, *, effect: str, remedy: str, command: str = "") -> Finding:
    """Return what spoils numbers that are measured now."""
    return Finding(
        level=Level.WARNING, finding=finding, effect=effect, remedy=remedy, command=command
    )


def unknown(reason: str) -> Finding:
    """Return why this cannot be told here."""
    return Finding(level=Level.UNKNOWN, finding=reason)
