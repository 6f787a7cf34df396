"""The steps of `dyno nightly`: a run, a gate, what the history says of it, and their files."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.ci import Faces, claim
from harness.cli.execute import execute
from harness.cli.judge import judge
from harness.cli.opening import open_store
from harness.cli.show import show
from harness.cli.streams import tell
from harness.exit_codes import INTERRUPTED, worst
from results.gates import Gates
from results.verdict import SLOWER

if TYPE_CHECKING:
    from harness.paired.gate import Gate
    from results.nights import Nights
    from results.record import RunResult
    from suites.suite import Suite
    from suites.vocabulary import Vocabulary

_REPORTS = {"report.md": "markdown", "report.json": "json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A nightly job of one suite. `out` takes a folder of files, `junit` one that is asked for."""

    suite: Suite
    vocabulary: Vocabulary
    baseline: str
    only: str
    store: Path
    device: str
    wait: bool
    cache: Path | None
    cache_size: str
    out: Path | None
    junit: Path | None

    def measure(self, *, name: str) -> int:
        """Carry the job out and return its exit code. Raises what `harness.cli.main` tells.

        A baseline that nobody pinned and files that cannot be written are told before anything
        runs; a baseline that no longer works only after the run, whose files are written all the
        same.
        """
        claim(self._faces, self.suite.name)
        Gates(open_store(self.store)).baseline(self.baseline, self.suite.name)
        ran = execute(
            self.suite,
            self.vocabulary,
            store=self.store,
            name=name,
            only=self.only,
            wait=self.wait,
            resume=None,
            cache=self.cache,
            cache_size=self.cache_size,
            device=self.device,
        )
        if ran.result is None or ran.code == INTERRUPTED:
            return INTERRUPTED
        self._write_report(ran.result)
        return worst([ran.code, self._judge(ran.result)])

    def _judge(self, run: RunResult) -> int:
        sys.stdout.write("\n")
        return judge(
            self.suite,
            self.vocabulary,
            baseline=self.baseline,
            kind="nightly",
            only=self.only,
            store=self.store,
            wait=self.wait,
            cache=self.cache,
            cache_size=self.cache_size,
            device=self.device,
            faces=self._faces,
            run=run,
            alarms=self._alarms,
        )

    def _alarms(self, gate: Gate) -> tuple[str, ...]:
        """Return each alarm that stands tonight of a case that crept or stepped slower.

        Alarms of cases that became faster are told, and fail nothing.
        """
        from results.history import alarms_tonight
        from results.nights import nights
        from results.report.history import alarm_words

        found = nights(open_store(self.store), name=gate.baseline.id, suite=self.suite.name)
        self._write_history(found)
        standing = alarms_tonight(found).items()
        told = {case_id: f"{case_id}: {alarm_words(alarm)}" for case_id, alarm in standing}
        for case_id, alarm in standing:
            if alarm.word != SLOWER:
                tell(told[case_id])
        return tuple(told[case_id] for case_id, alarm in standing if alarm.word == SLOWER)

    @property
    def _faces(self) -> Faces:
        return Faces(
            junit=self.junit or (self.out and self.out / "junit.xml"),
            json=self.out and self.out / "verdicts.json",
        )

    def _write_report(self, run: RunResult) -> None:
        """Write the run's report in the forms that others read."""
        if self.out is None:
            return
        store = open_store(self.store)
        for name, form in _REPORTS.items():
            with (self.out / name).open("w", encoding="utf-8") as file, redirect_stdout(file):
                show(store, run.record.id, form, everything=True)

    def _write_history(self, found: Nights) -> None:
        """Write the last night of every case, and what the history says of it."""
        if self.out is None:
            return
        from results.history import judge as judged
        from results.report.history_data import case_lines

        with (self.out / "history.csv").open("w", encoding="utf-8") as file:
            file.writelines(case_lines(found, judged(found)))
