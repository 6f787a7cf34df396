"""The options that backends on a CUDA stream of dyno's own share, and what they resolve to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.contract import Option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suites.case import OptionValue

CUDA_GRAPH = Option(
    name="cuda_graph",
    default=False,
    choices=(False, True),
    help="launch each query as one captured CUDA graph",
)
TRANSFERS = Option(
    name="transfers",
    default="bound",
    choices=("bound", "copied"),
    help="whether each query copies its inputs to the device and its outputs back",
)
STREAMS = Option(name="streams", default=1, minimum=1, help="streams that work side by side")
QUEUE_DEPTH = Option(
    name="queue_depth", default=1, minimum=1, help="queries in flight on each stream"
)
SYNC = Option(
    name="sync",
    default="spin",
    choices=("spin", "block"),
    help="whether the host spins or sleeps while it waits for the device",
)
L2 = Option(
    name="l2",
    default="hot",
    choices=("hot", "flushed"),
    help="whether the L2 cache is overwritten before each query",
)
OPTIONS = (CUDA_GRAPH, TRANSFERS, STREAMS, QUEUE_DEPTH, SYNC, L2)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOptions:
    """The values of `OPTIONS`; slot i is on stream `stream_of[i]`."""

    cuda_graph: bool
    copied: bool
    streams: int
    queue_depth: int
    blocking_sync: bool
    flushed: bool

    @property
    def stream_of(self) -> tuple[int, ...]:
        """Return the stream of each slot."""
        return tuple(slot % self.streams for slot in range(self.streams * self.queue_depth))


def read(options: Mapping[str, OptionValue]) -> DeviceOptions:
    """Return the device's options of all those of a backend, resolved."""
    return DeviceOptions(
        cuda_graph=bool(options["cuda_graph"]),
        copied=options["transfers"] == "copied",
        streams=int(options["streams"]),
        queue_depth=int(options["queue_depth"]),
        blocking_sync=options["sync"] == "block",
        flushed=options["l2"] == "flushed",
    )


def conflict(options: Mapping[str, OptionValue]) -> str | None:
    """Return why these values exclude each other and what to do, or None; for `unsupported`."""
    if options["l2"] == "flushed" and not options["streams"] == options["queue_depth"] == 1:
        return "caches cannot be flushed under queries in flight; use one stream and depth 1"
    return None
