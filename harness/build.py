"""Building: one child a case; on the host as many at once as there are cores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.child import Child

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.folders import Folders
    from harness.plan import PlannedCase
    from harness.prepare import Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A case's engine on disk. `build_ns` is host time inside the backend's build."""

    path: Path
    facts: Mapping[str, Any]
    build_ns: int
    engine_bytes: int

    def remove(self) -> None:
        """Delete the engine's files."""
        for file in self.path.parent.glob(f"{self.path.name}*"):
            file.unlink()


def build(
    planned: PlannedCase,
    prepared: Prepared,
    *,
    closure: Path,
    folders: Folders,
    timeout_s: float,
) -> Built:
    """Return the case's engine, built in a fresh child. Raises ChildError."""
    folders.engines.mkdir(parents=True, exist_ok=True)
    path = folders.engines / f"{planned.position}.engine"
    with Child("harness.worker", path=closure, log=folders.log(str(planned.position))) as child:
        child.ask("describe", timeout_s=timeout_s, backend=planned.case.backend)
        reply = child.ask(
            "build",
            timeout_s=timeout_s,
            case=planned.case.to_dict(),
            model=str(prepared.path),
            sha256=prepared.sha256,
            external_data=prepared.external_data,
            engine=str(path),
        )
        child.ask("close", timeout_s=timeout_s)
    return Built(
        path=path,
        facts=reply.header["facts"],
        build_ns=reply.header["build_ns"],
        engine_bytes=reply.header["engine_bytes"],
    )
