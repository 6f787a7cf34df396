"""How messages spell places in a suite's file, what was found there, and lists of words."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PLAIN_KEY = re.compile(r"[^\W\d][\w-]*\Z")
_LISTED_WORDS = 16

Place = tuple[str | int, ...]
"""Keys and list positions from the top of a document down."""

Problem = tuple[Place, str]
"""Where something is wrong, and the rest of the message."""


def spell_place(place: Place) -> str:
    """Return a place as `matrix.precision[1]`, unusual keys quoted: `inputs['x:0']`."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.match(part):
            text += f".{part}" if text else part
        else:
            text += f"[{part!r}]"
    return text


def spell_found(value: object) -> str:
    """Return a value of a document as a message shows it: text by repr, the rest as YAML has it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    return repr(value)


def spell_words(words: Iterable[object]) -> str:
    """Return words separated by commas, a long list cut short."""
    listed = [word if isinstance(word, str) else spell_found(word) for word in words]
    if len(listed) > _LISTED_WORDS:
        listed[_LISTED_WORDS:] = ["…"]
    return ", ".join(listed)
