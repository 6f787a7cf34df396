"""The one exception of this package, and the hint that its messages may end with."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SuiteError(Exception):
    """A suite, a model or an input is not what it must be. The message is one line for the user."""


def did_you_mean(found: object, known: Iterable[str]) -> str:
    """Return ` Did you mean 'fp16'?` with its leading space, or nothing where nothing is close."""
    close = get_close_matches(str(found), list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
