import pytest

from harness.exit_codes import exit_code
from results.record import Failed, Measured, Skipped

MEASURED = Measured(stopped_by="target")
SKIPPED = Skipped(reason="not here")
FAILED = Failed(kind="build", message="no", hint="yes")


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([MEASURED], 0),
        ([MEASURED, SKIPPED], 0),
        ([MEASURED, FAILED], 1),
        ([SKIPPED, FAILED], 1),
        ([SKIPPED, SKIPPED], 4),
        ([], 4),
    ],
)
def test_the_exit_code_tells_the_worst_that_happened(outcomes, code):
    assert exit_code(outcomes) == code
