import pytest

from harness.machine.reading import Facts, Tree, UnknownFactError


def test_a_known_fact_is_its_value_and_an_unknown_one_raises_its_reason():
    facts = Facts(values={"mig": False, "ecc": None}, unknown={"ecc": "not told"})
    assert facts.known("mig") is False
    with pytest.raises(UnknownFactError, match="^not told$"):
        facts.known("ecc")


def test_a_fact_may_be_none_and_known():
    assert Facts(values={"quota_cpus": None}, unknown={}).known("quota_cpus") is None


def test_the_names_in_a_folder_are_sorted(tmp_path):
    for name in ("b", "10", "9"):
        (tmp_path / name).touch()
    assert Tree(root=tmp_path.parent).names(tmp_path.name) == ("10", "9", "b")


def test_a_folder_that_is_not_there_is_unknown(tmp_path):
    with pytest.raises(UnknownFactError, match="^/proc: No such file or directory$"):
        Tree(root=tmp_path).names("proc")
