"""What a reader must know of a case on a GPU: the rule that raised the note, and its figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from results.report.units import duration, fraction
from results.report.wording import one_line
from results.rules import ENQUEUE_BOUND

if TYPE_CHECKING:
    from results.record import CaseResult
    from results.summary import Summary

Noted = Iterator[tuple[str, str]]


def streams(_: CaseResult, summary: Summary) -> Noted:
    """Yield why there are no latencies."""
    if "streams" in summary.notes:
        rule = (
            "Several streams: a query's own time grows with those it shares the device with, so "
            "only throughput compares, and ± is of the elapsed time per query."
        )
        yield rule, f"{summary.protocol.streams} streams"


def throttled(_: CaseResult, summary: Summary) -> Noted:
    """Yield what held the clock down, and how often."""
    if "throttled" in summary.notes:
        telemetry = summary.utilization.throttling if summary.utilization else {}
        told = [
            *_shares(telemetry, "of the telemetry"),
            *_shares(summary.load.throttling, "of launches, before or after"),
        ]
        yield "Throttled: something held the GPU's clock down.", ", ".join(told)


def shared(_: CaseResult, summary: Summary) -> Noted:
    """Yield how often others were on the GPU, and how many."""
    if "shared-gpu" in summary.notes:
        rule = "Shared GPU: other processes were on it too, so not all may be the case's own."
        others = summary.utilization.other_processes if summary.utilization else None
        share = summary.load.shared_share
        told = [
            *([f"{others} beside the telemetry"] if others else []),
            *([f"beside {fraction(share)} of launches"] if share else []),
        ]
        yield rule, ", ".join(told)


def enqueue_bound(_: CaseResult, summary: Summary) -> Noted:
    """Yield how much of GPU compute enqueue takes, and what may help where it is not done yet."""
    share = summary.device.enqueue_share
    if "enqueue-bound" in summary.notes and share is not None:
        beside = "" if summary.protocol.streams == 1 else f" × {summary.protocol.streams} streams"
        rule = (
            f"Enqueue-bound: the host takes more than {100 * ENQUEUE_BOUND:g} % of the GPU's time "
            "to enqueue a query, and may be what limits it."
        )
        help_text = "" if summary.protocol.cuda_graph else " A CUDA graph enqueues faster."
        yield f"{rule}{help_text}", f"{fraction(share)}{beside}"


def transfer_bound(_: CaseResult, summary: Summary) -> Noted:
    """Yield how long a query's copies take beside its computation."""
    device = summary.device
    if "transfer-bound" in summary.notes and device.gpu_compute_ns is not None:
        copies = duration((device.h2d_ns or 0) + (device.d2h_ns or 0))
        rule = "Transfer-bound: copies to and from the device take longer than the computation."
        yield rule, f"{copies} of copies, {duration(device.gpu_compute_ns)} of GPU compute"


def _shares(reasons: Mapping[str, float], of: str) -> Iterator[str]:
    for name, share in reasons.items():
        yield f"{one_line(name).replace('_', ' ')} in {fraction(share)} {of}"
