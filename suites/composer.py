"""Composing YAML under limits: how deep, how large with all that aliases repeat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import AliasEvent

DEEPEST = 12
MOST_VALUES = 100_000

Extent = tuple[int, int]
"""How many values a node stands for, and how many levels; aliases written out."""


class LimitError(MarkedYAMLError):
    """A document is well-formed and yet none that dyno reads. `problem` is a whole message."""


class LimitedComposer(Composer):
    """Refuses a document while it is read, since a small file can say an enormous one.

    Raises LimitError.
    """

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self.warn_double_anchors = False
        self._level = 0
        self._extents: dict[int, Extent] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node of the document."""
        event = self.parser.peek_event()
        self._check(1, self._level + 1, event.start_mark)
        self._level += 1
        node = super().compose_node(parent, index)
        self._level -= 1
        values, levels = self._extent(node, event)
        self._check(values, self._level + levels, event.start_mark)
        return node

    def _extent(self, node: Any, event: Any) -> Extent:
        if not isinstance(event, AliasEvent):
            parts = [self._extents[id(part)] for part in _parts(node)]
            values = 1 + sum(part[0] for part in parts)
            self._extents[id(node)] = values, 1 + max((part[1] for part in parts), default=0)
        elif id(node) not in self._extents:
            raise _error("expected a suite, got a value that contains itself.", event.start_mark)
        return self._extents[id(node)]

    def _check(self, values: int, level: int, mark: Any) -> None:
        if level > DEEPEST:
            raise _error(f"expected at most {DEEPEST} levels, got values nested deeper.", mark)
        if values > MOST_VALUES:
            raise _error(
                f"expected at most {MOST_VALUES} values, got more, each alias counted as what it "
                "repeats. Nest fewer aliases.",
                mark,
            )


def _parts(node: Any) -> Iterator[Any]:
    """Return the nodes inside a node; a scalar has none, a mapping keys and values."""
    for part in () if isinstance(node.value, str) else node.value:
        yield from part if isinstance(part, tuple) else (part,)


def _error(problem: str, mark: Any) -> LimitError:
    return LimitError(problem=problem, problem_mark=mark)
