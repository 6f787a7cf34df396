"""Files of a store that nothing needs any more, and when a run or a gate last gave a sign."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, union_all

from results import schema
from results.queries import pinned_hash
from results.store import Store
from results.upkeep.attach import COPY
from results.upkeep.files import (
    INPUTS,
    LOGS,
    MODELS,
    PINNED_INPUTS,
    PINNED_MODELS,
    UNFINISHED,
    hashed,
    pinned_folders,
)

_DAY_S = 86400.0
"""Younger files may belong to a run that is just starting."""
_BESIDE = (
    "tmp/*",
    f"{COPY}*",
    *(
        f"{folder}/{UNFINISHED}*"
        for folder in ("packages", "worker", MODELS[0], INPUTS[0], PINNED_INPUTS[0])
    ),
    f"{PINNED_MODELS}/**/{UNFINISHED}*",
    f"{LOGS}/python-*.log",
    *(f"{LOGS}/{kind}-*" for kind in ("pin", "compare")),
    f"{INPUTS[0]}/answers-*{INPUTS[1]}",
    "scratch/reference/*",
)
"""What processes leave that were killed, logs that are of no run, and answers of references."""


def leftovers(store: Store, live: Collection[str]) -> Iterator[Path]:
    """Yield files over a day old that nothing needs; none of those that a live run may use."""
    limit = time.time() - _DAY_S
    beside = [path for pattern in _BESIDE for path in store.folder.glob(pattern)]
    yield from (path for path in beside if path.name not in live and _is_older(path, limit))
    if live:
        return
    for found, named, is_sure in _needs(store.folder):
        with store.connection() as connection:
            known = set(connection.execute(select(named).distinct()).scalars())
        if is_sure or None not in known:
            unnamed = [path for name, path in found if name not in known]
            yield from (path for path in unnamed if _is_older(path, limit))


def log_folders(store: Path, ids: Iterable[str]) -> list[Path]:
    """Return the folders of logs that these runs or gates have."""
    folders = [store / LOGS / its_id for its_id in ids]
    return [folder for folder in folders if folder.is_dir()]


def old_gates(store: Store, limit: float) -> list[str]:
    """Return the gates whose last sign of life was before `limit`, seconds since the epoch."""
    gate, end, pair = schema.gate, schema.gate_end, schema.pair
    signs = last_signs(
        store,
        select(gate.c.id.label("id"), gate.c.started_at.label("at")),
        select(end.c.gate_id, end.c.ended_at),
        select(pair.c.gate_id, pair.c.started_at),
    )
    return [
        gate_id
        for gate_id, seen in signs
        if isinstance(gate_id, str) and isinstance(seen, float) and seen < limit
    ]


def last_signs(store: Store, *signs: Select[Any]) -> list[tuple[str, Any]]:
    """Return each id and when something of it was last stored, the newest first.

    The first of `signs` names its columns `id` and `at`.
    """
    every = union_all(*signs).subquery()
    query = select(every.c.id, func.max(every.c.at)).group_by(every.c.id)
    with store.connection() as connection:
        found = connection.execute(query.order_by(func.min(every.c.at).desc())).all()
    return [(its_id, seen) for its_id, seen in found]


def _needs(store: Path) -> Iterator[tuple[Iterator[tuple[str, Path]], ColumnElement[Any], bool]]:
    """Yield files named by hash, the column that names those needed, and if all of it is known.

    Of a damaged row of `pinned` nobody knows what it needs: then the files of all baselines stay.
    """
    yield hashed(store, MODELS), schema.case.c.model_sha256, True
    yield hashed(store, INPUTS), schema.case.c.inputs_sha256, True
    yield pinned_folders(store), pinned_hash(schema.pinned, "model_sha256"), False
    yield hashed(store, PINNED_INPUTS), pinned_hash(schema.pinned, "inputs_sha256"), False


def _is_older(path: Path, limit: float) -> bool:
    with suppress(FileNotFoundError):
        return path.lstat().st_mtime < limit
    return False
