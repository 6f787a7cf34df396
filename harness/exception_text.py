"""Exceptions of other people's code as a part of one line."""

from __future__ import annotations

from results.report.wording import one_line

_LONGEST = 300


def exception_text(error: BaseException) -> str:
    """Return `KeyError: 'hidden'`: control characters spelt out, a long text cut short."""
    text = one_line(_said(error))
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST].rstrip()}…"
    kind = type(error).__name__
    return f"{kind}: {text.rstrip('.')}" if text else kind


def _said(error: BaseException) -> str:
    """Return the exception's own words; it may have none, or raise when asked for them."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - foreign code, and its kind is still to be told
        return ""
