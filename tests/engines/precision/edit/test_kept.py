from engines.precision.edit.kept import Kept


def test_nodes_are_gathered_by_reason():
    kept = Kept()
    kept.add("it is computed", "a")
    kept.add("it is empty", "b")
    kept.add("it is computed", "c")
    assert kept.sentences() == ("it is computed: a, c", "it is empty: b")


def test_many_nodes_are_counted():
    kept = Kept()
    for name in "abcde":
        kept.add("it is computed", name)
    assert kept.sentences() == ("it is computed: a, b, c and 2 more",)
