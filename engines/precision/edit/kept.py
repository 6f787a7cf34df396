"""What a recipe leaves as it was, gathered into a sentence a reason."""

from __future__ import annotations

_SHOWN = 3


class Kept:
    """Collects nodes by the reason why they stay."""

    def __init__(self) -> None:
        self._nodes: dict[str, list[str]] = {}

    def add(self, reason: str, node: str) -> None:
        """Note a node, spelled, under a reason, which goes before a colon."""
        self._nodes.setdefault(reason, []).append(node)

    def sentences(self) -> tuple[str, ...]:
        """Return such as `its weight is computed: node 'a' (Conv), node 'b' (Conv) and 4 more`."""
        return tuple(f"{reason}: {_list(nodes)}" for reason, nodes in self._nodes.items())


def _list(nodes: list[str]) -> str:
    more = len(nodes) - _SHOWN
    return ", ".join(nodes[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
