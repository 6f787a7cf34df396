"""Which of the stored runs a user means."""

from __future__ import annotations

from collections.abc import Sequence

from results.database import StoreError
from results.record import RunRecord
from suites.errors import did_you_mean


def choose(runs: Sequence[RunRecord], text: str | None, *, where: str) -> str:
    """Return the id of the run that `text` means: an id, the start of one, or a name.

    `runs` are newest first; a name stands for its newest run, None for the newest of all. An id
    goes before the start of one, and that before a name. Raises StoreError.
    """
    if not runs:
        raise StoreError(f"{where}: expected a run, got an empty store. Start one: dyno run smoke")
    if text is None:
        return runs[0].id
    if any(run.id == text for run in runs):
        return text
    started = [run.id for run in runs if text and run.id.startswith(text)]
    named = [run.id for run in runs if run.name == text]
    if len(started) > 1 and not named:
        listed = ", ".join(repr(run_id) for run_id in started[:4])
        more = f" and {len(started) - 4} more" if len(started) > 4 else ""
        raise StoreError(
            f"{where}: expected the id or name of one run, got {text!r}, with which {listed}{more} "
            "begin. Give more of the id."
        )
    if len(started) == 1:
        return started[0]
    if named:
        return named[0]
    known = [word for run in runs for word in (run.id, run.name)]
    raise StoreError(
        f"{where}: expected the id or name of a run, got {text!r}.{did_you_mean(text, known)} "
        "List them with 'dyno runs'."
    )
