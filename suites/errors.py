"""The one exception of this package, and the hint that its messages may end with."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SuiteError(Exception):
    """A suite, a model or an input is not what it must be. The message is one line for the user."""


def reason(error: OSError) -> str:
    """Return what the system says of a file or a folder, as part of a sentence."""
    return (error.strerror or str(error)).lower()


LIKENESS = 0.6
STRICT_LIKENESS = 0.75
"""For lists so long that something in them is always a little like what was found."""


def did_you_mean(found: object, known: Iterable[str], *, likeness: float = LIKENESS) -> str:
    """Return ` Did you mean 'fp16'?` with its leading space, or nothing where nothing is close.

    `likeness` is difflib's ratio, from 0 to 1 for equal texts.
    """
    close = get_close_matches(str(found), list(known), n=1, cutoff=likeness)
    return f" Did you mean {close[0]!r}?" if close else ""
