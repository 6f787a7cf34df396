from results.report.columns import texts
from results.report.grid import fitting, grid
from results.report.tables import Table


def test_a_per_cent_sign_stays_with_its_number_where_text_folds():
    column = texts("graph", ["int8 94.1 %, fp32 5.9 %"], narrow=12)
    table = Table(title="t", subtitle="", columns=(column,), states=("measured",), asides=())
    columns, gap = fitting(table.columns, 22)

    lines = [line.plain for line in grid(table, columns, gap, 22)]

    assert lines[2:] == ["int8 94.1 %, fp32", "5.9 %"]
