"""The table of runs, without a session."""

import pytest
from PySide6.QtCore import QByteArray, Qt
from recorded_runs import run_of

from engine import TrainingConfig
from minigrad_gui import theme
from minigrad_gui.widgets.runs_table import ORDER, RunsTable

RUNS = [
    run_of("c3", TrainingConfig(seed=3), began_s=3.0, test_accuracy=0.75, name="Bee", note="007"),
    run_of("b2", TrainingConfig(seed=30), began_s=2.0, test_accuracy=None, name="ant"),
    run_of("a1", TrainingConfig(hidden=()), began_s=1.0, test_accuracy=0.9, message="The loss <exploded>"),
]


@pytest.fixture
def table(qtbot):
    made = RunsTable()
    qtbot.addWidget(made)
    made.show_runs(RUNS)
    return made


def cell(table, row, name, role=Qt.ItemDataRole.DisplayRole):
    return table.runs.index(row, ORDER.index(name)).data(role)


def ids(table):
    return [run.id for run in table.runs.shown]


def test_cells_have_texts_and_plain_numbers(table):
    assert table.runs.rowCount() == 3
    assert (cell(table, 0, "test"), cell(table, 0, "seed"), cell(table, 2, "layers")) == ("75.00%", "3", "none")
    assert cell(table, 0, "test", Qt.ItemDataRole.EditRole) == 0.75
    assert cell(table, 1, "test") == ""
    assert cell(table, 2, "ending", Qt.ItemDataRole.ToolTipRole) == "<span>The loss &lt;exploded&gt;</span>"
    for index, name in enumerate(ORDER):
        assert table.runs.headerData(index, Qt.Orientation.Horizontal)
        assert table.runs.index(0, index).data(Qt.ItemDataRole.TextAlignmentRole) & Qt.AlignmentFlag.AlignVCenter, name


def test_a_run_that_is_watched_has_room_for_its_results(qtbot, qapp):
    theme.apply(qapp, dark=False)
    table = RunsTable()
    qtbot.addWidget(table)
    for share in (None, 1.0):
        table.show_runs([run_of("a1", validation_accuracy=share, test_accuracy=share, accuracy=share)])
    for column, name in enumerate(ORDER):
        assert table.sizeHintForColumn(column) <= table.columnWidth(column) or name in ("name", "note"), name


def test_a_run_without_a_name_is_described_in_italics_and_renamed_from_nothing(table):
    table.show_runs([*RUNS, run_of("d4", began_s=4.0, hidden="256-128")])
    role = Qt.ItemDataRole.ForegroundRole
    for row, run_id in enumerate(("d4", "c3", "b2", "a1")):
        assert ids(table)[row] == run_id
        has_name = run_id in ("c3", "b2")
        assert (cell(table, row, "name", role) is None) == has_name
        assert cell(table, row, "name", Qt.ItemDataRole.EditRole) == {"c3": "Bee", "b2": "ant"}.get(run_id, "")
    assert cell(table, 0, "name") == "256-128, 0.0005, seed 0"
    assert cell(table, 3, "name") == "no hidden, 0.0005, seed 0"
    assert cell(table, 0, "name", Qt.ItemDataRole.FontRole).italic()
    assert cell(table, 1, "name", Qt.ItemDataRole.FontRole) is None


def test_a_click_on_a_title_sorts_and_words_filter(table):
    header = table.horizontalHeader()
    header.setSortIndicator(ORDER.index("test"), Qt.SortOrder.DescendingOrder)
    assert ids(table) == ["a1", "c3", "b2"]
    header.setSortIndicator(ORDER.index("name"), Qt.SortOrder.AscendingOrder)
    assert ids(table) == ["a1", "b2", "c3"]
    table.runs.set_words("seed=3")
    assert ids(table) == ["c3"]
    table.runs.set_words("")
    assert len(ids(table)) == 3


def test_a_selection_stays_with_its_runs(table, qtbot):
    table.choose(["b2", "a1"])
    assert [run.id for run in table.chosen] == ["b2", "a1"]
    table.horizontalHeader().setSortIndicator(ORDER.index("test"), Qt.SortOrder.DescendingOrder)
    assert [run.id for run in table.chosen] == ["a1", "b2"]
    table.show_runs([run_of("d4", began_s=9.0, test_accuracy=1.0), *RUNS])
    assert [run.id for run in table.chosen] == ["a1", "b2"]
    assert [index.row() for index in table.selectionModel().selectedRows()] == [1, 3]
    with qtbot.waitSignal(table.selected):
        table.show_runs(RUNS[:1])
    assert table.chosen == []


def test_new_figures_appear_without_a_reset(table):
    resets = []
    table.runs.modelReset.connect(lambda: resets.append(1))
    table.show_runs([RUNS[0]._replace(test_accuracy=0.5), *RUNS[1:]])
    assert cell(table, 0, "test") == "50.00%"
    assert resets == []


def test_names_and_notes_are_written_in_their_cells(table, qtbot):
    with qtbot.waitSignal(table.runs.renamed) as told:
        table.runs.setData(table.runs.index(1, ORDER.index("name")), "007")
    assert told.args == ["b2", "007"]
    with qtbot.waitSignal(table.runs.annotated) as told:
        table.runs.setData(table.runs.index(0, ORDER.index("note")), "better")
    assert told.args == ["c3", "better"]
    assert not table.runs.setData(table.runs.index(0, ORDER.index("note")), "007"), "nothing has changed"
    for index, name in enumerate(ORDER):
        is_editable = bool(table.runs.flags(table.runs.index(0, index)) & Qt.ItemFlag.ItemIsEditable)
        assert is_editable == (name in ("name", "note"))


def test_drawn_runs_have_a_swatch(table):
    table.runs.set_colors({"b2": "#ff0000"})
    drawn = cell(table, 1, "name", Qt.ItemDataRole.DecorationRole).pixmap(10).toImage()
    assert drawn.pixelColor(5, 5).name() == "#ff0000"
    other = cell(table, 0, "name", Qt.ItemDataRole.DecorationRole).pixmap(10).toImage()
    assert other.pixelColor(5, 5).alpha() == 0
    assert cell(table, 1, "test", Qt.ItemDataRole.DecorationRole) is None


def test_figures_and_words_fit_into_their_columns(qtbot):
    table = RunsTable()
    table.setStyleSheet("QTableView::item { padding: 0 4px }")
    qtbot.addWidget(table)
    runs = [run_of(f"r{each}", began_s=float(each), test_accuracy=0.5) for each in range(60)]
    table.show_runs([run_of("r", began_s=0.0, test_accuracy=1.0, learning_rate=0.0012345), *runs])
    for column, name in enumerate(ORDER):
        if name not in ("name", "note"):
            needed = [table.sizeHintForIndex(table.runs.index(row, column)).width() for row in range(61)]
            assert max(needed) <= table.columnWidth(column), name


def test_columns_stay_as_they_were_left(table, qtbot):
    header = table.horizontalHeader()
    header.setSortIndicator(ORDER.index("test"), Qt.SortOrder.DescendingOrder)
    header.moveSection(0, 3)
    table.setColumnWidth(2, 77)
    other = RunsTable()
    qtbot.addWidget(other)
    other.restore_columns(table.columns)
    other.show_runs(RUNS)
    assert ids(other) == ["a1", "c3", "b2"]
    assert other.horizontalHeader().visualIndex(0) == 3
    assert other.columnWidth(2) == 77
    other.restore_columns(QByteArray(b"nonsense"))
    assert other.columnWidth(2) == 77
