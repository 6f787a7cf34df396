from io import StringIO

from rich.console import Console

from results.gate_record import Changes, GateOverview, GateRecord
from results.record import RunEnd
from results.report.gates import GateList


def overview(number, *, kind="gate", end=None, **counts):
    record = GateRecord(
        id=f"20261121-03000{number}-ab{number}0",
        kind=kind,
        baseline_id="b",
        suite="rnn",
        suite_sha256="0" * 64,
        started_at=1_795_230_000.0 + 60 * number,
        dyno_version="1",
        threshold=0.02,
        environment={},
        changes=Changes(),
    )
    return GateOverview(record=record, baseline_name="main", end=end, counts=counts)


def printed(*gates, width=100, live=()):
    out = StringIO()
    Console(file=out, width=width, legacy_windows=False).print(GateList(gates=gates, live=live))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


DONE = RunEnd(ended_at=1_795_230_100.0, state="done")
GATES = (
    overview(3, kind="nightly"),
    overview(2),
    overview(1, end=DONE, SAME=120, SLOWER=1, UNSURE=3, FAILED=2, FASTER=4, INCOMPARABLE=5),
)


def test_gates_are_listed_as_given_with_the_worst_verdicts_first():
    last = overview(1, end=DONE, SAME=120, SLOWER=1, UNSURE=3)

    assert printed(*GATES[:2], last, live={GATES[0].record.id}) == WIDE


def test_where_it_is_narrow_verdicts_stand_below_each_other():
    assert printed(*GATES, width=80) == NARROW


def test_without_gates_it_is_said_how_to_start():
    assert printed() == "no gates yet. Start with: dyno gate SUITE --baseline NAME"


WIDE = """\
gate (UTC)            kind     baseline  suite  state    verdicts
─────────────────────────────────────────────────────────────────────────────────────
20261121-030003-ab30  nightly  main      rnn    running  none
20261121-030002-ab20  gate     main      rnn    killed   none
20261121-030001-ab10  gate     main      rnn    done     1 SLOWER, 3 UNSURE, 120 SAME"""
NARROW = """\
gate (UTC)            kind     baseline  suite  state   verdicts
───────────────────────────────────────────────────────────────────────
20261121-030003-ab30  nightly  main      rnn    killed  none
20261121-030002-ab20  gate     main      rnn    killed  none
20261121-030001-ab10  gate     main      rnn    done    1 SLOWER,
                                                        2 FAILED,
                                                        3 UNSURE,
                                                        4 FASTER,
                                                        5 INCOMPARABLE,
                                                        120 SAME"""
