"""A run as flat rows, one a case: what the CSV report writes and pandas reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from results import frame_judged as judged
from results.codec import outcome_fields
from results.frame_columns import READERS, TEXTS, WHOLE, Value

if TYPE_CHECKING:
    import pandas as pd

    from results.record import CaseResult, RunResult
    from results.summary import Summary

Pairs = Iterable[tuple["CaseResult", "Summary | None"]]

_CASE = ("position", "case_id", "model", "backend", "precision", "batch")
_OF_FILES = ("model_sha256", "inputs_sha256", "engine_bytes")
_WHOLE = ("position", "batch", "engine_bytes", "launches")
_ENDED = ("stopped_by", "reason", "kind", "message", "hint")


def flat_rows(run: RunResult, pairs: Pairs) -> Iterator[dict[str, Value]]:
    """Yield a row a case of `pairs`, all with the same columns in the same order.

    `pairs` are cases of the run with their summaries. A dimension is a column `dim_<name>`, an
    option `option_<name>`; units are in the names, half-widths and shares are fractions. What a
    case does not have is None, and `outcome` says why; a percentile without a value has its
    effective queries in `<name>_have` and those it needs in `<name>_need`.
    """
    cases = [case.record for case in run.cases]
    dims = dict.fromkeys(name for record in cases for name, _ in record.case.dims)
    options = dict.fromkeys(name for record in cases for name in record.options)
    for case, summary in pairs:
        yield {
            "run_id": run.record.id,
            **_identity(case, tuple(dims), tuple(options)),
            **_ending(case),
            **{name: read(case) for name, read in judged.READERS.items()},
            **_numbers(summary),
        }


def column_types(runs: Iterable[RunResult]) -> dict[str, str]:
    """Return the columns of `flat_rows` of the runs, each with its type whatever the values are.

    The types are Arrow's. An option is text: what it may be differs from backend to backend.
    """
    dims: dict[str, None] = {}
    options: dict[str, None] = {}
    for run in runs:
        for case in run.cases:
            dims |= dict.fromkeys(f"dim_{name}" for name, _ in case.record.case.dims)
            options |= dict.fromkeys(f"option_{name}" for name in case.record.options)
    names = ("run_id", *_CASE, *dims, *options, *_OF_FILES, "outcome", *_ENDED, "launches")
    every = (*names, *judged.READERS, *READERS)
    return {name: "int64" if name in dims else _type(name) for name in every}


def _type(name: str) -> str:
    if name in {*_WHOLE, *WHOLE, *judged.WHOLE} or name.endswith(("_have", "_need")):
        return "int64"
    if name in judged.READERS:
        return "string" if name in judged.TEXTS else "double"
    return "double" if name in READERS and name not in TEXTS else "string"


def frame(run: RunResult, summaries: Mapping[int, Summary]) -> pd.DataFrame:
    """Return `flat_rows` as a frame.

    The dtypes are pandas' nullable ones: whole numbers stay whole beside missing ones.
    """
    import pandas as pd

    pairs = ((case, summaries.get(case.record.position)) for case in run.cases)
    rows = list(flat_rows(run, pairs))
    columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    return pd.DataFrame(
        {name: pd.Series(found, dtype=_dtype(found)) for name, found in columns.items()}
    )


def _dtype(values: list[Value]) -> str:
    """Return the dtype by the types alone: 2.0 stays a float. Nothing at all is taken for one."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return "Int64" if kinds == {int} else "Float64"
    return "boolean" if kinds == {bool} else "string"


def _identity(
    result: CaseResult, dims: tuple[str, ...], options: tuple[str, ...]
) -> dict[str, Value]:
    record, case = result.record, result.record.case
    sizes = dict(case.dims)
    return {
        "position": record.position,
        "case_id": record.id,
        "model": case.model,
        "backend": case.backend,
        "precision": case.precision,
        "batch": case.batch,
        **{f"dim_{name}": sizes.get(name) for name in dims},
        **{f"option_{name}": record.options.get(name) for name in options},
        "model_sha256": record.model_sha256,
        "inputs_sha256": record.inputs_sha256,
        "engine_bytes": record.engine_bytes,
    }


def _ending(result: CaseResult) -> dict[str, Value]:
    ended = outcome_fields(result.outcome) if result.outcome else {"outcome": "open"}
    named = {name: ended.get(name) for name in _ENDED}
    return {"outcome": ended["outcome"], **named, "launches": result.launches}


def _numbers(summary: Summary | None) -> dict[str, Value]:
    return {name: None if summary is None else read(summary) for name, read in READERS.items()}
