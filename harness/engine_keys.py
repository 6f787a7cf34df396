"""What the engines of cases depend on, asked in the environment that would build them."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from engines import registry
from harness.child import Child, ChildError
from harness.devices import variables
from harness.outcome import failed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engines.contract import Device, Fact
    from harness.folders import Folders
    from results.record import Failed
    from suites.case import Case

    Key = Mapping[str, Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Asks backends for engine keys: here, or a worker under another `python`."""

    python: str
    closure: Path
    folders: Folders
    devices: Mapping[str, Device]
    timeout_s: float

    def keys(self, cases: Sequence[Case]) -> list[Key | Failed]:
        """Return each case's key, or why its backend could not be asked."""
        by_backend: dict[str, list[int]] = {}
        for number, case in enumerate(cases):
            by_backend.setdefault(case.backend, []).append(number)
        found: dict[int, Key | Failed] = {}
        for backend, numbers in by_backend.items():
            keys = self._keys(backend, [cases[number] for number in numbers])
            found.update(zip(numbers, keys, strict=True))
        return [found[number] for number in range(len(cases))]

    def _keys(self, backend: str, cases: Sequence[Case]) -> Sequence[Key | Failed]:
        here = registry.get(backend)
        device = self.devices[here.device]
        if self.python == sys.executable:
            return [here.engine_key(case, device) for case in cases]
        try:
            return self._ask(backend, cases, device)
        except ChildError as error:
            return [failed(error)] * len(cases)

    def _ask(self, backend: str, cases: Sequence[Case], device: Device) -> Sequence[Key]:
        with Child(
            "harness.worker",
            path=self.closure,
            log=self.folders.log("keys"),
            python=self.python,
            variables=variables(device),
        ) as child:
            reply = child.ask(
                "keys",
                timeout_s=self.timeout_s,
                backend=backend,
                cases=[case.to_dict() for case in cases],
                device=asdict(device),
            )
        keys: Sequence[Key] = reply.header["keys"]
        return keys
