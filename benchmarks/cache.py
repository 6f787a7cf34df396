"""What the engine cache saves, and that it loses, doubles and hides nothing.

Bars: the second run of `rnn` builds nothing; one flipped byte rebuilds exactly that engine and is
told; two runs at once on an empty cache build each engine once.
"""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from machine import heading

from engines.cache.cache import EngineCache
from harness.closure import copy_closure
from harness.folders import Folders
from harness.plan import make_plan
from harness.prepare.datasets import load_datasets
from harness.prepare.models import Prepared
from harness.prepare.variants import variant
from harness.staging import Staging
from harness.vocabulary import installed_vocabulary
from suites.load import load_suite

if TYPE_CHECKING:
    from harness.build import Built

SUITE = "rnn"


def build_phase(store: Path, cache: Path, name: str) -> tuple[list[Built], float]:
    """Return the engines of the suite's cases, and the seconds from looking up to having all."""
    vocabulary = installed_vocabulary()
    plan = make_plan(load_suite(SUITE, vocabulary), vocabulary)
    kept = EngineCache.make(cache)
    staging = Staging(
        plan=plan,
        data=load_datasets(plan),
        seed=0,
        folders=Folders(store=store, run_id=name),
        cache=kept,
        closure=copy_closure(store),
    )
    with kept.in_use():
        _, prepared = staging.prepare_models()
        waiting = [
            (planned, model)
            for planned in plan.runnable
            if isinstance(model := prepared[variant(planned)], Prepared)
        ]
        start = time.perf_counter()
        built = [result for _, _, result in staging.builder.build_all(waiting)]
        return built, time.perf_counter() - start


def show(title: str, built: list[Built], taken_s: float) -> None:
    fresh = list({engine.key: engine for engine in built if not engine.cached}.values())
    told = ", ".join(sorted({engine.damage for engine in fresh if engine.damage}))
    print(
        f"  {title:<28} {len(built)} cases, {len(fresh)} built, {taken_s * 1e3:6.0f} ms"
        f"{f'; told: {told}' if told else ''}"
    )


def flip(built: list[Built]) -> None:
    """Flip a bit in the middle of the first engine."""
    path = built[0].path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def main() -> None:
    print(heading(f"The engine cache, suite {SUITE}"))
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        cold, cold_s = build_phase(store, store / "cache", "cold")
        show("empty cache", cold, cold_s)
        warm, warm_s = build_phase(store, store / "cache", "warm")
        show("the same again", warm, warm_s)
        flip(warm)
        show("one byte flipped", *build_phase(store, store / "cache", "flipped"))
        stores = [Path(folder) / name for name in "ab"]
        with ProcessPoolExecutor(2) as pool:
            shared = [Path(folder) / "shared"] * 2
            both = list(pool.map(build_phase, stores, shared, "ab"))
        for title, (built, taken_s) in zip(
            ("two at once, the first", "the second"), both, strict=True
        ):
            show(title, built, taken_s)
        total = sum(len({engine.key for engine in built if not engine.cached}) for built, _ in both)
        engines = len({engine.key for engine in cold})
        print(f"  engines                      {engines}; built by the two {total}")
    print("  bars                         built again 0; flipped 1; by the two as many as engines")


if __name__ == "__main__":
    sys.exit(main())
