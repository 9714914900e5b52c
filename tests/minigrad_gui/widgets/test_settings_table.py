"""The settings of several runs side by side."""

from minigrad_gui.widgets.settings_table import SettingsTable


def test_a_row_for_each_setting_and_a_column_for_each_run(qtbot):
    table = SettingsTable()
    qtbot.addWidget(table)
    table.show_settings(["first", "second"], ["#ff0000", "#0000ff"], {"seed": ["1", "2"], "batch size": ["32", "64"]})
    assert [table.horizontalHeaderItem(column).text() for column in range(2)] == ["first", "second"]
    assert [table.verticalHeaderItem(row).text() for row in range(2)] == ["Seed", "Batch size"]
    assert [[table.item(row, column).text() for column in range(2)] for row in range(2)] == [["1", "2"], ["32", "64"]]
    color = table.horizontalHeaderItem(1).icon().pixmap(10).toImage().pixelColor(5, 5).name()
    assert color == "#0000ff"
    table.show_settings([], [], {})
    assert (table.rowCount(), table.columnCount()) == (0, 0)
