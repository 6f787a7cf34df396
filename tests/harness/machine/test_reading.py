import pytest

from harness.machine.reading import Facts, Tree, UnknownFactError, collect, parsed


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


def test_a_reader_that_cannot_reckon_leaves_the_fact_unknown():
    facts = collect({"share": lambda: 1 / 0})
    assert facts == Facts(values={"share": None}, unknown={"share": "division by zero"})


def test_a_long_text_that_makes_no_sense_is_cut_short():
    with pytest.raises(UnknownFactError, match=f"^/proc/x: expected a number, got '{'a' * 60}…'$"):
        parsed("proc/x", "a" * 99, int, expected="a number")
