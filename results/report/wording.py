"""Foreign text (a runtime's message, a name) made fit for one line of a report."""

from __future__ import annotations

_MARKS = (".", "!", "?", "…")
_CLOSING = "\"')]}”’»"


def one_line(text: str) -> str:
    """Return the text with runs of white space as one space and control characters spelt out.

    An escape sequence in a runtime's message must not reach the reader's terminal.
    """
    line = " ".join(text.split())
    return line if line.isprintable() else "".join(map(_visible, line))


def sentence(text: str) -> str:
    """Return the text on one line, closed by a full stop unless it has a mark of its own.

    The mark may stand inside closing quotes or brackets.
    """
    line = one_line(text)
    return line if line.rstrip(_CLOSING).endswith(_MARKS) else f"{line}."


def sentences(*texts: str) -> str:
    """Return the texts as sentences one after another, such as a message and its hint."""
    return " ".join(sentence(text) for text in texts if text.strip())


def _visible(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()
