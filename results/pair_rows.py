"""Pairs as rows of the store's table and back: the blocks of both sides in one packed column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from results import schema
from results.codec import check_object, dump, load_object, plain
from results.columns import check_columns, check_numbers
from results.paired import PHASES, SIDES, PairRecord, SideBlocks, SideLaunch
from results.record import Protocol
from results.timings import decode, encode

if TYPE_CHECKING:
    from results.paired import Integers

Row = Mapping[str, Any]

_FLOATS = ("median_ns", "mean_ns", "p95_ns", "p99_ns")
_INTEGERS = ("queries", "elapsed_ns", "cpu_ns", "involuntary_switches")
_DISTURBED = "disturbed"
_HEAD = 2
"""Whole numbers before a side's columns: its blocks, and whether it is told which are disturbed."""
_FLAT = ("phase", "number", "started_at", "first")
_SIDE_NUMBERS = (
    *("start_ns", "open_ns", "first_query_ns", "warmup_ns", "warmup_queries"),
    *("p95_ns", "clean_p99_ns", "clean_queries", "gpu_compute_ns"),
)


def pair_row(record: PairRecord) -> dict[str, Any]:
    """Return a row of `pair`, without its gate and case. Raises ValueError for NaN."""
    return {
        **{name: getattr(record, name) for name in _FLAT},
        "watched": int(record.watched),
        **{name: dump(_side_fields(getattr(record, name))) for name in SIDES},
        "covariates": dump(dict(record.covariates)),
        "blocks": pack((record.baseline.blocks, record.candidate.blocks)),
    }


def read_pair(row: Row) -> PairRecord:
    """Return the record of a row of `pair`. Raises ValueError for one that is not whole."""
    check_columns(schema.pair, row)
    for name, known in (("phase", PHASES), ("first", SIDES)):
        if row[name] not in known:
            raise ValueError(f"expected {' or '.join(known)} in {name!r}, got {row[name]!r}")
    blocks = dict(zip(SIDES, unpack(row["blocks"]), strict=True))
    nested: dict[str, Any] = {
        **{name: _read_side(name, row[name], blocks[name]) for name in SIDES},
        "covariates": load_object("covariates", row["covariates"]),
        "watched": bool(row["watched"]),
    }
    return PairRecord(**{**{name: row[name] for name in _FLAT}, **nested})


def pack(sides: tuple[SideBlocks, ...]) -> bytes:
    """Return the blocks of the sides after each other as `results/timings.py` packs whole numbers.

    Of each: how many blocks, whether it is told which were disturbed, then column by column; a
    float is there by its bits. Raises ValueError for NaN and infinities, and for columns of several
    lengths.
    """
    import numpy as np

    return encode(np.concatenate([_packed(side) for side in sides]))


def unpack(data: bytes) -> tuple[SideBlocks, ...]:
    """Return the blocks of the sides that `pack` packed. Raises ValueError for anything else."""
    numbers, sides = decode(data), []
    while len(numbers):
        count = int(numbers[0])
        size = _HEAD + count * len(_columns(told=len(numbers) > 1 and bool(numbers[1])))
        if count < 0 or size > len(numbers):
            raise ValueError(f"expected whole blocks, got {len(numbers)} numbers of {size}")
        sides.append(_unpacked(numbers[:size]))
        numbers = numbers[size:]
    return tuple(sides)


def _packed(blocks: SideBlocks) -> Integers:
    import numpy as np

    columns = [np.asarray(getattr(blocks, name), dtype=np.float64) for name in _FLOATS]
    if not np.isfinite(np.concatenate(columns)).all():
        raise ValueError("expected finite times of blocks, got NaN or infinity")
    bits = [np.ascontiguousarray(column).view(np.int64) for column in columns]
    rest = [name for name in _columns(told=blocks.disturbed is not None) if name not in _FLOATS]
    bits += [np.asarray(getattr(blocks, name), dtype=np.int64) for name in rest]
    count = len(bits[0])
    if {column.shape for column in bits} != {(count,)}:
        raise ValueError(f"expected {count} blocks in each column, got other lengths")
    head = np.array([count, blocks.disturbed is not None], dtype=np.int64)
    return np.concatenate([head, *bits])


def _unpacked(numbers: Integers) -> SideBlocks:
    import numpy as np

    names = _columns(told=bool(numbers[1]))
    found = dict(zip(names, numbers[_HEAD:].reshape(len(names), -1), strict=True))
    columns: dict[str, Any] = {**found, _DISTURBED: None}
    for name in _FLOATS:
        columns[name] = found[name].view(np.float64)
        if not np.isfinite(columns[name]).all():
            raise ValueError(f"expected finite {name} of blocks, got NaN or infinity")
    if _DISTURBED in found:
        columns[_DISTURBED] = found[_DISTURBED].astype(np.bool_)
    return SideBlocks(**columns)


def _columns(*, told: bool) -> tuple[str, ...]:
    return (*_FLOATS, *_INTEGERS, *((_DISTURBED,) if told else ()))


def _side_fields(side: SideLaunch) -> dict[str, Any]:
    names = [field.name for field in fields(side) if field.name != "blocks"]
    return {**{name: plain(getattr(side, name)) for name in names}, "facts": dict(side.facts)}


def _read_side(side: str, text: str, blocks: SideBlocks) -> SideLaunch:
    told = load_object(side, text)
    check_object("facts", told["facts"])
    check_numbers(told, _SIDE_NUMBERS)
    return SideLaunch(**{**told, "protocol": Protocol(**told["protocol"]), "blocks": blocks})
