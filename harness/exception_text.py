"""Exceptions of other people's code as a part of one line."""

from __future__ import annotations

from results.report.wording import one_line

_LONGEST = 300


def exception_text(error: BaseException) -> str:
    """Return `KeyError: 'hidden'`: control characters spelt out, a long text cut short."""
    text = one_line(str(error))
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST].rstrip()}…"
    kind = type(error).__name__
    return f"{kind}: {text.rstrip('.')}" if text else kind
