import pytest

from results.record import FAILURE_KINDS, Failed


@pytest.mark.parametrize("kind", FAILURE_KINDS)
def test_every_kind_of_failure_can_be_recorded(kind):
    assert Failed(kind=kind, message="m", hint="h").kind == kind


def test_a_failure_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        Failed(kind="crashed", message="m", hint="h")

    assert str(caught.value) == (
        "Failed.kind: expected one of invalid-model, unsupported-op, build, shape-out-of-profile, "
        "out-of-memory, crash, timeout, fallback, precision-mismatch, bad-output, accuracy, "
        "import, environment, disk, got 'crashed'. Did you mean 'crash'?"
    )
