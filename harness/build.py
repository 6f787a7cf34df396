"""Building: each engine once, in a child, unless the cache has it; on the host side by side."""

from __future__ import annotations

import sys
from concurrent.futures import as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from threading import Event
from typing import TYPE_CHECKING, Any

from engines import registry
from engines.cache.cache import Draft, Request
from harness.cached import obtain, set_on_error
from harness.child import Child, child_pool
from harness.closure import backend_code
from harness.devices import variables
from harness.engine_keys import Asker
from results.record import Failed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    from engines.cache.cache import EngineCache, Found
    from engines.contract import Device
    from harness.engine_keys import Key
    from harness.folders import Folders
    from harness.plan import PlannedCase
    from harness.prepare.models import Prepared

    Waiting = tuple[PlannedCase, Prepared]
    Keyed = tuple[Waiting, Key | Failed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A case's engine in the cache. `build_ns` is host time inside the build that put it there.

    `cached` is False where this run has built it, perhaps for another case; `damage` is then what
    was wrong with the entry that it replaces, told once.
    """

    path: Path
    facts: Mapping[str, Any]
    build_ns: int
    engine_bytes: int
    key: str
    cached: bool
    damage: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Cases that share an engine."""

    request: Request
    on_device: bool
    cases: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Gets the engines of a run. `closure` is the worker's copy that every child starts from.

    `python` is the interpreter that builds them.
    """

    cache: EngineCache
    closure: Path
    folders: Folders
    devices: Mapping[str, Device]
    timeout_s: float
    python: str = sys.executable

    def build_all(
        self, waiting: Sequence[Waiting]
    ) -> Generator[tuple[PlannedCase, Prepared, Built | Failed]]:
        """Yield cases as their engines are there, or have failed; then make room in the cache.

        Host builds run side by side first, then those on devices one by one.
        """
        keyed = self._keyed(waiting)
        for case, key in keyed:
            if isinstance(key, Failed):
                yield *case, key
        groups = _groups(keyed)
        stop = Event()
        with child_pool() as pool, set_on_error(stop):
            futures = {
                pool.submit(self._get, group, stop): group
                for group in groups
                if not group.on_device
            }
            for future in as_completed(futures):
                yield from _told(futures[future], future.result())
        for group in groups:
            if group.on_device:
                yield from _told(group, self._get(group, stop))
        with suppress(OSError):  # a run can go on without room made; the next one tries again
            self.cache.prune()

    def rebuild(self, planned: PlannedCase, prepared: Prepared) -> Built | Failed:
        """Return the case's engine built anew, for the runtime refused the one that there is."""
        keyed = self._keyed([(planned, prepared)])
        ((_, key),) = keyed
        if isinstance(key, Failed):
            return key
        (group,) = _groups(keyed)
        ((_, _, result),) = _told(group, self._get(group, Event(), anew=True))
        return result

    def _keyed(self, waiting: Sequence[Waiting]) -> list[Keyed]:
        """Return the cases, each with its backend's engine key where the engine would be built."""
        asker = Asker(
            python=self.python,
            closure=self.closure,
            folders=self.folders,
            devices=self.devices,
            timeout_s=self.timeout_s,
        )
        keys = asker.keys([planned.case for planned, _ in waiting])
        return list(zip(waiting, keys, strict=True))

    def _get(self, group: _Group, stop: Event, *, anew: bool = False) -> Found | Failed:
        """Return the group's engine, out of the cache or built for its first case."""

        def build(path: Path) -> Draft:
            return self._build(*group.cases[0], path)

        return obtain(self.cache, group.request, build, stop, anew=anew)

    def _build(self, planned: PlannedCase, prepared: Prepared, path: Path) -> Draft:
        """Build the engine in a fresh child. Raises ChildError."""
        log, backend = self.folders.log(str(planned.position)), planned.case.backend
        target = self.devices[registry.get(backend).device]
        device, seen = asdict(target), variables(target)
        with Child(
            "harness.worker", path=self.closure, log=log, python=self.python, variables=seen
        ) as child:
            child.ask("describe", timeout_s=self.timeout_s, backend=backend, build_for=device)
            reply = child.ask(
                "build",
                timeout_s=self.timeout_s,
                case=planned.case.to_dict(),
                model=str(prepared.path),
                sha256=prepared.sha256,
                external_data=prepared.external_data,
                dims=prepared.dims,
                values=prepared.values,
                engine=str(path),
                site={"device": device, "scratch": str(self.folders.scratch(backend))},
            )
            child.ask("close", timeout_s=self.timeout_s)
        return Draft(facts=reply.header["facts"], build_ns=reply.header["build_ns"])


def _groups(keyed: Sequence[Keyed]) -> list[_Group]:
    """Return the cases that have a key by the engine that they need, in the order of first ones."""
    names = {planned.case.backend for (planned, _), _ in keyed}
    backends = {name: registry.get(name) for name in names}
    codes = {name: backend_code(name) for name in names}
    requests: dict[str, Request] = {}
    cases: dict[str, list[Waiting]] = {}
    for (planned, prepared), key in keyed:
        if isinstance(key, Failed):
            continue
        case = planned.case
        fields = {
            "backend": case.backend,
            "backend_code": codes[case.backend],
            "model_sha256": prepared.sha256,
            "external_data": prepared.external_data,
            "dims": {name: list(dims) for name, dims in prepared.dims.items()},
            "values": dict(prepared.values),
            "engine": dict(key),
        }
        about = {"model": case.model, "precision": case.precision, "case": case.id}
        request = Request(fields=fields, about=about, dyno_version=version("engine-dyno"))
        requests.setdefault(request.key, request)
        cases.setdefault(request.key, []).append((planned, prepared))
    return [
        _Group(
            request=request,
            on_device=backends[request.fields["backend"]].builds_on_device,
            cases=tuple(cases[key]),
        )
        for key, request in requests.items()
    ]


def _told(
    group: _Group, found: Found | Failed
) -> Iterator[tuple[PlannedCase, Prepared, Built | Failed]]:
    """Yield each case of the group with its engine."""
    for rank, (planned, prepared) in enumerate(group.cases):
        if isinstance(found, Failed):
            yield planned, prepared, found
            continue
        built = Built(
            path=found.path,
            facts=found.entry.facts,
            build_ns=found.entry.build_ns,
            engine_bytes=found.entry.bytes,
            key=group.request.key,
            cached=found.cached,
            damage=None if rank else found.damage,
        )
        yield planned, prepared, built
