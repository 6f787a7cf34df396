"""How soon a year of nights is judged, what its alarm finds, and how often it cries wolf.

Bars: 365 nights × 1000 cases read and judged in at most 5 s; a step of +3 % and a creep of +0.1 % a
night found; of 300 clean series of 365 nights at most one with an alarm. All noise is synthetic,
Student's t, 5 % of the nights missing.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from machine import heading
from sqlalchemy import insert

from results import gate_rows, schema
from results.gates import Gates
from results.history import judge
from results.lineage import Generation, Lineage
from results.nights import Nights, nights
from results.store import Store
from results.verdict import SAME, CaseVerdict, Estimate, TailRatio, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from results.paired import Floats

NIGHTS, CASES, SEEDS = 365, 1000, range(5)
CHANGED = 200
DAY_S = 86_400.0
STARTED_AT = 1_767_323_045.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Student's t of `df`, whose scale is the standard error, or its standard deviation is.

    `least` and `most` bound the standard error of a series; of a share of its nights it is `loud`.
    """

    df: float
    least: float
    most: float
    is_scale: bool = False
    loud_share: float = 0.0
    loud: float = 0.015

    def __str__(self) -> str:
        of = "scale" if self.is_scale else "standard deviation"
        loud = f", {self.loud_share:.0%} of nights {self.loud:.1%}" if self.loud_share else ""
        return f"t{self.df:g}, its {of} {100 * self.least:g}–{100 * self.most:g} %{loud}"


NOISES = (
    Noise(df=7, least=0.0015, most=0.002),
    Noise(df=7, least=0.002, most=0.004),
    Noise(df=5, least=0.002, most=0.004),
    Noise(df=3, least=0.002, most=0.004),
    Noise(df=7, least=0.002, most=0.004, is_scale=True),
    Noise(df=7, least=0.0015, most=0.002, loud_share=0.1),
)


def series(noise: Noise, seed: int, count: int, ramp: Floats, missing: float = 0.05) -> Nights:
    """Return `count` series of a year with that noise, around `ramp` (nights,)."""
    rng = np.random.default_rng(seed)
    se = np.broadcast_to(rng.uniform(noise.least, noise.most, count), (NIGHTS, count))
    if noise.loud_share:
        se = np.where(rng.random(se.shape) < noise.loud_share, noise.loud, se)
    spread = 1.0 if noise.is_scale else np.sqrt((noise.df - 2) / noise.df)
    values = ramp[:, None] + se * spread * rng.standard_t(noise.df, (NIGHTS, count))
    gone = rng.random(values.shape) < missing
    log_ratio, own_se = np.where(gone, np.nan, values), np.where(gone, np.nan, se)
    first = Generation(id="first", pinned_at=STARTED_AT)
    return Nights(
        lineage=Lineage(name="main", suite="big", baselines=(first,)),
        gates=tuple(map(str, range(NIGHTS))),
        started_at=STARTED_AT + DAY_S * np.arange(NIGHTS),
        generation=np.zeros(NIGHTS, np.int64),
        cases=tuple(map(str, range(count))),
        log_ratio=log_ratio,
        se=own_se,
        own_se=own_se,
        df=np.full(values.shape, 7.0),
        words=np.where(gone, "", SAME),
        segment=np.zeros((1, count), np.int64),
    )


def tell_clean() -> None:
    print("Clean series with an alarm, and with a change point, of 300 (5 seeds; bar 1)")
    for noise in NOISES:
        found = [judge(series(noise, seed, 300, np.zeros(NIGHTS))) for seed in SEEDS]
        alarms = [sum(bool(case.alarms) for case in cases) for cases in found]
        steps = [sum(bool(case.steps) for case in cases) for cases in found]
        print(f"  {noise!s:<42} alarms {alarms}, change points {steps}")


def tell_changes() -> None:
    after = np.maximum(np.arange(NIGHTS) - CHANGED + 1, 0)
    ramps = {
        "step of +3 %": np.log(1.03) * (after > 0),
        "creep of +0.1 % a night": np.log(1.001) * after,
    }
    print("Nights until the first alarm, least / median / most of 300 series × 5 seeds")
    for name, ramp in ramps.items():
        for noise in (NOISES[0], NOISES[1], NOISES[4]):
            first = [at for seed in SEEDS for at in delays(series(noise, seed, 300, ramp))]
            known = [at for at in first if at is not None]
            spread = "/".join(f"{value:.0f}" for value in np.percentile(known, [0, 50, 100]))
            missed = first.count(None)
            print(f"  {name:<24} {noise!s:<42} {spread}, {missed} of {len(first)} missed")


def delays(planted: Nights) -> Iterator[int | None]:
    """Yield of each case how many nights after the change its alarm came."""
    changed_at = planted.started_at[CHANGED]
    for case in judge(planted):
        since = [alarm.since for alarm in case.alarms if alarm.since >= changed_at]
        yield 1 + round((since[0] - changed_at) / DAY_S) if since else None


def fill(folder: Path, found: Nights) -> None:
    """Store the series as gates against one baseline; verdicts are as long as real ones."""
    Gates(Store(folder))
    with Store(folder).connection() as connection:
        connection.execute(insert(schema.baseline), _baseline())
        pinned = [{"position": p, "case_id": case, "pinned": "{}"} for p, case in _named(found)]
        of = [{"baseline_id": "first", **row} for row in pinned]
        connection.execute(insert(schema.pinned), of)
        for night, gate in enumerate(found.gates):
            at = float(found.started_at[night])
            connection.execute(insert(schema.gate), _gate(gate, at))
            ended = {"gate_id": gate, "ended_at": at + 1, "state": "done"}
            connection.execute(insert(schema.gate_end), ended)
            connection.execute(insert(schema.verdict), list(_verdicts(found, night, gate)))
        connection.commit()


def _named(found: Nights) -> list[tuple[int, str]]:
    return [(p, f"lstm/onnxruntime-cpu/fp32/b1/sequence={p}") for p in range(len(found.cases))]


def _baseline() -> dict[str, Any]:
    texts = dict.fromkeys(("versions", "devices", "left_out"), "{}")
    return {
        **texts,
        "id": "first",
        "name": "main",
        "suite": "big",
        "suite_sha256": "",
        "seed": 0,
        "pinned_at": STARTED_AT,
        "python": '"python"',
        "dyno_version": "0",
        "replaces": "",
    }


def _gate(gate: str, at: float) -> dict[str, Any]:
    return {
        "id": gate,
        "kind": "nightly",
        "baseline_id": "first",
        "suite": "big",
        "suite_sha256": "",
        "started_at": at,
        "dyno_version": "0",
        "threshold": 0.02,
        "environment": "{}",
        "changes": "{}",
        "only": "",
    }


def _verdicts(found: Nights, night: int, gate: str) -> Iterator[dict[str, Any]]:
    detail = json.loads(gate_rows.verdict_row(_verdict())["detail"])
    for position, case_id in _named(found):
        log_ratio, se = float(found.log_ratio[night, position]), float(found.se[night, position])
        told = {} if np.isnan(log_ratio) else {"log_ratio": log_ratio, "se": se}
        yield {
            "gate_id": gate,
            "case_id": case_id,
            "position": position,
            "word": SAME,
            "log_ratio": None,
            "se": None,
            **told,
            "detail": json.dumps(detail | {"estimate": detail["estimate"] | told}),
        }


def _verdict() -> CaseVerdict:
    estimate = Estimate(log_ratio=0.001, se=0.003, df=7.0, pairs=5, low=0.99, high=1.01)
    tail = TailRatio(ratio=1.0123456789, low=0.987654321, high=1.03456789)
    outcome = Verdict(
        word=SAME,
        reason="the 95 % interval lies within ±3 %",
        estimate=estimate,
        p_value=0.123456789,
        disturbed_share=0.0123456,
        p95=tail,
        p99=tail,
        baseline_ns=80123.456,
        candidate_ns=80234.567,
    )
    return CaseVerdict(position=0, case_id="", outcome=outcome)


def tell_speed() -> None:
    print(f"{NIGHTS} nights × {CASES} cases (bar 5 s)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, series(NOISES[1], 0, CASES, np.zeros(NIGHTS)))
        size = sum(file.stat().st_size for file in folder.iterdir())
        store = Store(folder, create=False)
        for turn in ("first", "second"):
            start = time.perf_counter()
            read = nights(store)
            middle = time.perf_counter()
            judge(read)
            end = time.perf_counter()
            print(
                f"  {turn} turn: read {middle - start:.2f} s, judged {end - middle:.2f} s, "
                f"together {end - start:.2f} s; store {size / 1e6:.0f} MB"
            )
        start = time.perf_counter()
        judge(nights(store, case=read.cases[500]))
        print(f"  one case: {time.perf_counter() - start:.2f} s")


def main() -> None:
    print(heading("The history of a baseline (synthetic nights)"))
    tell_clean()
    tell_changes()
    tell_speed()


if __name__ == "__main__":
    sys.exit(main())
