"""Records as JSON-ready values and back; raw timings stay apart (`results/timings.py`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from results.record import Block, Failed, Measured, Outcome, Protocol, Skipped
from results.summary import (
    ColdPath,
    DeviceTimes,
    Interval,
    Latency,
    Load,
    Percentile,
    Rates,
    Summary,
    TooFewQueries,
    Utilization,
    Work,
)

Json = Any


def dump(value: Json) -> str:
    """Return compact JSON. Raises ValueError for NaN and infinities, which are nobody's result."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return encodable(text)


def load(text: str) -> Json:
    """Return what `dump` wrote. Raises ValueError for NaN and infinities."""
    return json.loads(text, parse_constant=_refused)


def load_object(name: str, text: str) -> dict[str, Any]:
    """Return the object that a column of that name holds. Raises ValueError for any other value."""
    found: dict[str, Any] = check_object(name, load(text))
    return found


def check_object(name: str, value: Json) -> Json:
    """Return the value. Raises ValueError where it is no object."""
    if not isinstance(value, dict):
        raise ValueError(  # noqa: TRY004 - a damaged file, not a wrong call
            f"expected an object in {name!r}, got {value!r}"
        )
    return value


def _refused(name: str) -> None:
    raise ValueError(f"expected finite numbers, got {name}")


def plain(record: Any) -> Any:
    """Return what `dataclasses.asdict` does, several times as fast: values that stay are shared."""
    kind: type = type(record)
    names = _names(kind)
    if names:
        return {name: plain(getattr(record, name)) for name in names}
    if kind is tuple or kind is list:
        return kind(map(plain, record))
    return {key: plain(value) for key, value in record.items()} if kind is dict else record


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def encodable(text: str) -> str:
    r"""Return the text with lone surrogates as `\udcff`: a path that is no UTF-8 holds such.

    In JSON that is an escape sequence, so what was dumped is read back as it was.
    """
    return text.encode("utf-8", "backslashreplace").decode()


def outcome_fields(outcome: Outcome) -> dict[str, str]:
    """Return an outcome as `outcome` (measured, skipped, failed) and its own fields."""
    return {"outcome": type(outcome).__name__.lower(), **plain(outcome)}


def read_outcome(fields: Mapping[str, Any]) -> Outcome:
    """Return the outcome that `outcome_fields` wrote."""
    kinds: dict[str, type[Outcome]] = {"measured": Measured, "skipped": Skipped, "failed": Failed}
    return kinds[fields["outcome"]](**{k: v for k, v in fields.items() if k != "outcome"})


def block_rows(blocks: tuple[Block, ...]) -> list[list[int]]:
    """Return each block as its five numbers, in the order of its fields."""
    return [list(plain(block).values()) for block in blocks]


def read_blocks(rows: list[list[int]]) -> tuple[Block, ...]:
    """Return the blocks that `block_rows` wrote."""
    names = ("queries", "elapsed_ns", "cpu_ns", "voluntary_switches", "involuntary_switches")
    return tuple(Block(**dict(zip(names, row, strict=True))) for row in rows)


def summary_fields(summary: Summary) -> dict[str, Any]:
    """Return a summary as nested values; a percentile without a value has `need` instead."""
    found: dict[str, Any] = plain(summary)
    return found


def read_summary(fields: Mapping[str, Any]) -> Summary:
    """Return the summary that `summary_fields` wrote."""
    nested = {
        "protocol": Protocol(**fields["protocol"]),
        "latency": _read_latency(fields["latency"]),
        "rates": _read_rates(fields["rates"]),
        "cold": ColdPath(**fields["cold"]),
        "device": _read_device(fields["device"]),
        "load": Load(**fields["load"]),
        "utilization": _read_utilization(fields.get("utilization")),
        "work": _read_work(fields.get("work")),
        "notes": tuple(fields["notes"]),
        "remarks": tuple(fields["remarks"]),
    }
    return Summary(**{**fields, **nested})


def _read_rates(fields: Mapping[str, Any]) -> Rates:
    return Rates(**{**fields, "per_query": _read_interval(fields.get("per_query"))})


def _read_device(fields: Mapping[str, Any]) -> DeviceTimes:
    p99 = fields.get("gpu_compute_p99")
    return DeviceTimes(**{**fields, "gpu_compute_p99": p99 and _read_percentile(p99)})


def _read_utilization(fields: Mapping[str, Any] | None) -> Utilization | None:
    return None if fields is None else Utilization(**fields)


def _read_work(fields: Mapping[str, Any] | None) -> Work | None:
    return None if fields is None else Work(**fields)


def _read_latency(fields: Mapping[str, Any] | None) -> Latency | None:
    if fields is None:
        return None
    nested = {
        "p50_interval": _read_interval(fields["p50_interval"]),
        **{name: _read_percentile(fields[name]) for name in ("p90", "p95", "p99", "p99_9")},
    }
    return Latency(**{**fields, **nested})


def _read_percentile(fields: Mapping[str, Any]) -> Percentile | TooFewQueries:
    if "need" in fields:
        return TooFewQueries(**fields)
    return Percentile(**{**fields, "interval": _read_interval(fields["interval"])})


def _read_interval(fields: Mapping[str, Any] | None) -> Interval | None:
    return None if fields is None else Interval(**fields)
