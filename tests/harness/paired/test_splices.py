from harness.paired.splices import splices
from results.baseline import Splice
from results.record import Failed
from results.verdict import INCOMPARABLE, UNSURE, CaseVerdict, Estimate, Verdict

WIDE = Estimate(log_ratio=0.03, se=0.05, df=7.0, pairs=5, low=0.9, high=1.2)


def test_each_case_with_a_ratio_has_a_splice_however_wide_its_interval():
    outcomes = {
        "unsure": Verdict(word=UNSURE, reason="noisy", estimate=WIDE),
        "differs": Verdict(word=INCOMPARABLE, reason="other inputs"),
        "crashed": Failed(kind="crash", message="baseline: SIGSEGV", hint=""),
    }
    cases = [
        CaseVerdict(position=position, case_id=case_id, outcome=outcome)
        for position, (case_id, outcome) in enumerate(outcomes.items())
    ]

    assert splices(cases) == {"unsure": Splice(log_ratio=0.03, se=0.05)}
