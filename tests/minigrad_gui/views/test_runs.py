"""Every run in the window: listed while it trains, named, compared, restored, loaded and deleted."""

import csv
import time
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox
from recorded_runs import EPOCHS, losses_of, put, run_of
from some_views import with_settings

from engine import TrainingConfig, load_model
from minigrad_gui.folders import data_folder
from minigrad_gui.run_comparison import line_of
from minigrad_gui.runs import RunStore
from minigrad_gui.widgets.runs_table import ORDER

pytestmark = [pytest.mark.tabs("runsView", "confusionView"), pytest.mark.panels("TrainingPanel")]

BASE = TrainingConfig(hidden=(12,), epochs=2, batch_size=500)


@pytest.fixture
def store():
    """The list, with two runs that differ in their seed and one that differs in its learning rate."""
    made = RunStore(data_folder())
    configs = {"a1": BASE, "b2": replace(BASE, seed=5), "c3": replace(BASE, learning_rate=0.25)}
    for number, (run_id, config) in enumerate(configs.items()):
        put(made, run_of(run_id, config, began_s=1e9 + number, test_accuracy=0.8 + 0.05 * number))
    return made


@pytest.fixture
def view(store, user, few_digits):  # noqa: ARG001
    return opened(user)


def opened(user):
    user.trigger("showRunsAction")
    view = user.widget("runsView")
    user.wait(lambda: bool(view._runs))
    return view


def table(user):
    return user.widget("runsTable")


def listed(user):
    return [run.id for run in table(user).runs.shown]


def select(user, *run_ids):
    table(user).choose(run_ids)
    view = user.widget("runsView")
    user.wait(lambda: set(view._curves) == set(run_ids))


def write(user, run_id, column, text):
    """Double-click a cell, type and press Return."""
    place = table(user).runs.index(listed(user).index(run_id), ORDER.index(column))
    table(user).scrollTo(place)
    table(user).edit(place)
    editor = user.window.focusWidget()
    QTest.keyClicks(editor, text)
    QTest.keyClick(editor, Qt.Key.Key_Return)


@pytest.mark.usefixtures("view")
def test_runs_are_listed_filtered_sorted_and_exported(user, choose, tmp_path):
    assert listed(user) == ["c3", "b2", "a1"]
    assert user.widget("runsSummary").text().endswith("test accuracy 90.00%.")
    table(user).horizontalHeader().setSortIndicator(ORDER.index("test"), Qt.SortOrder.AscendingOrder)
    assert listed(user) == ["a1", "b2", "c3"]
    QTest.keyClicks(user.widget("runsFilterEdit"), "seed=0")
    assert listed(user) == ["a1", "c3"]
    choose(tmp_path / "runs")
    user.trigger("runsCsvAction")
    with open(tmp_path / "runs.csv", encoding="utf-8", newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == ["a1", "c3"]


@pytest.mark.usefixtures("view")
def test_a_name_and_a_note_are_written_and_found_again(user, store):
    write(user, "b2", "name", "007")
    user.wait(lambda: store.get("b2").name == "007")
    write(user, "b2", "note", "the best")
    user.wait(lambda: store.get("b2").note == "the best")
    user.wait(lambda: "the best" in [run.note for run in table(user).runs.shown])
    QTest.keyClicks(user.widget("runsFilterEdit"), "BEST")
    assert listed(user) == ["b2"]


@pytest.mark.parametrize("run_id", ["b2", "d4"])  # one in the list, and one that it gets
def test_a_note_that_is_being_written_outlives_changes_of_the_list(user, view, store, run_id):
    place = table(user).runs.index(listed(user).index("b2"), ORDER.index("note"))
    table(user).edit(place)
    editor = user.window.focusWidget()
    QTest.keyClicks(editor, "the be")
    put(store, run_of(run_id, replace(BASE, seed=6), began_s=1e9 + 1, test_accuracy=0.25))
    view.mark()
    user.wait(lambda: 0.25 in [run.test_accuracy for run in view._runs])
    assert user.window.focusWidget() is editor
    QTest.keyClicks(editor, "st")
    assert editor.text() == "the best"
    QTest.keyClick(editor, Qt.Key.Key_Return)
    user.wait(lambda: store.get("b2").note == "the best")
    user.wait(lambda: 0.25 in [run.test_accuracy for run in table(user).runs.shown])


def test_selected_runs_are_overlaid_one_colour_each(user, view, store):
    plot, curve = user.widget("runsPlot"), user.widget("runsCurveCombo")
    select(user, "a1", "c3")
    assert [drawn.name for drawn in plot.drawn] == [run.title for run in table(user).chosen]
    assert len({drawn.color for drawn in plot.drawn}) == 2
    for quantity in ("training loss", "validation accuracy"):
        curve.setCurrentIndex(curve.findData(quantity))
        expected = line_of(store.curve("a1"), quantity)
        np.testing.assert_array_equal(plot.drawn[1].line.y, expected.y)
    before = {drawn.name: drawn.color for drawn in plot.drawn}
    select(user, "a1", "b2", "c3")
    after = {drawn.name: drawn.color for drawn in plot.drawn}
    assert before.items() < after.items(), "a run keeps its colour"
    user.widget("runsMeanCheck").click()
    assert [drawn.line.spread is None for drawn in plot.drawn] == [True, False]
    assert plot.drawn[1].name.startswith("mean of 2 runs")
    assert len(set(table(user).runs._colors.values())) == 2, "one colour for each curve"
    told = "Test accuracy: 90.00% (learning rate 0.25), 82.50% ± 3.54% (learning rate 0.0005)."
    assert view._summary.text() == told
    user.widget("runsMeanCheck").click()
    assert len(set(table(user).runs._colors.values())) == 3
    assert view._summary.text() == "3 runs: test accuracy 85.00% ± 5.00%, from 80.00% to 90.00%."


def test_where_there_is_no_curve_it_says_why(user, view, store):
    plot, reason = user.widget("runsPlot"), view._no_curve
    bare = [replace(epoch, validation_loss=None, validation_accuracy=None) for epoch in EPOCHS]
    store.begin(run_of("d4", BASE, began_s=2e9), 0, losses_of(), bare)
    store.begin(run_of("e5", BASE, began_s=3e9), 0, losses_of(), [])
    view.mark()
    user.wait(lambda: len(listed(user)) == 5)
    for run_ids, told in (
        (["d4"], "The run held no pictures out for validation."),
        (["d4", "e5"], "None of these runs held pictures out for validation."),
        (["e5"], "The curve begins when the first epoch has ended."),
        ([], "Select runs to see their curves."),
    ):
        select(user, *run_ids)
        user.wait(lambda told=told: reason.isVisible() and reason._text.text() == told)
        assert not plot.isVisible()
    select(user, "a1")
    user.wait(plot.isVisible)
    select(user, "d4")
    user.wait(reason.isVisible)
    user.click("trainingCurveButton")
    assert user.widget("runsCurveCombo").currentText() == "Training accuracy"
    assert plot.isVisible()
    user.widget("runsSettingsCheck").click()
    assert user.widget("runsSettings").isVisible()


@pytest.mark.usefixtures("view")
def test_settings_that_differ_are_side_by_side(user):
    select(user, "a1", "b2", "c3")
    user.widget("runsSettingsCheck").click()
    settings = user.widget("runsSettings")
    assert settings.isVisible()
    rows = {
        settings.verticalHeaderItem(row).text(): [settings.item(row, column).text() for column in range(3)]
        for row in range(settings.rowCount())
    }
    assert rows == {"Learning rate": ["0.25", "0.0005", "0.0005"], "Seed": ["0", "5", "0"]}


@with_settings
@pytest.mark.usefixtures("view")
def test_settings_are_restored_by_a_click(user):
    select(user, "c3")
    user.click("restoreRunButton")
    assert user.session.config == replace(BASE, learning_rate=0.25)
    assert user.widget("hiddenLayersEdit").text() == "12"
    select(user, "a1", "c3")
    assert not user.widget("restoreRunButton").isEnabled()


@pytest.mark.usefixtures("view")
def test_deleting_asks_first(user, store, answer):
    select(user, "a1", "b2")
    questions = answer(QMessageBox.StandardButton.Cancel)
    QTest.keyClick(table(user), Qt.Key.Key_Delete)
    assert questions == ["Delete these 2 runs, with curves and networks? This cannot be undone."]
    assert listed(user) == ["c3", "b2", "a1"]
    answer(QMessageBox.StandardButton.Discard)
    QTest.keyClick(table(user), Qt.Key.Key_Delete)
    user.wait(lambda: listed(user) == ["c3"])
    assert [run.id for run in store.runs()] == ["c3"]


def test_what_another_process_records_appears(user, store, view):
    view._watch.setInterval(50)  # so that the test need not wait
    put(store, run_of("d4", BASE, began_s=2e9))
    user.wait(lambda: listed(user)[0] == "d4")


def test_a_hidden_view_reads_nothing(user, view, store):
    user.trigger("showConfusionAction")
    user.wait(lambda: not view._is_seen)
    assert not view._watch.isActive()
    put(store, run_of("d4", BASE, began_s=2e9))
    user.train(hidden="4", batch_size=1000)
    assert len(view._runs) == 3
    user.trigger("showRunsAction")
    user.wait(lambda: len(view._runs) == 5)
    assert view._watch.isActive()


def test_a_damaged_list_is_told_and_begun_anew(user, view, store):
    store.path.write_bytes(b"damage" * 2000)
    view.mark()
    user.wait(user.widget("notice").isVisible)
    user.wait(lambda: view._runs == [])
    assert len(list(store.path.parent.glob("runs-damaged-*"))) == 1


def test_a_run_is_followed_and_its_best_network_loaded(user, few_digits):  # noqa: ARG001
    user.configure(hidden="12", epochs=3, batch_size=200)
    user.trigger("showRunsAction")
    view = user.widget("runsView")
    user.wait(lambda: view._runs == [])
    user.click("runsOfferButton")  # an empty list offers to train
    user.wait(lambda: bool(view._runs) and view._runs[0].ending == "finished")
    run = view._runs[0]
    user.wait(lambda: view._curves.get(run.id, (0,))[0] == run.updated_s)
    np.testing.assert_allclose(view._curves[run.id][1].losses, user.session.history.losses, rtol=1e-6)
    user.wait(lambda: user.session.state == "idle")
    losses, epochs = user.session.history.losses.copy(), list(user.session.history.epochs)

    user.session.open_pretrained()
    user.click("loadRunButton")
    expected, _ = load_model(user.session.run_list.store.network(run.id, "best"))
    for one, other in zip(user.session.model.parameters(), expected.parameters(), strict=True):
        np.testing.assert_array_equal(one.data, other.data)
    np.testing.assert_allclose(user.session.history.losses, losses, rtol=1e-6)
    assert user.session.history.epochs == epochs
    assert user.session.path is None
    assert f"(epoch {run.best_epoch + 1})" in user.session.name
    assert user.session.can_restore_previous


@pytest.mark.usefixtures("view")
def test_several_runs_are_started_from_a_list_and_selected(user, store):
    user.configure(hidden="4", epochs=1, batch_size=1000)
    user.click("severalRunsButton")
    user.widget("severalValuesEdit").setText("7, 8")
    assert not user.widget("runsMeanCheck").isChecked()
    QTest.mouseClick(user.widget("severalStartButton"), Qt.MouseButton.LeftButton)
    assert user.widget("runsMeanCheck").isChecked()  # they differ only in their seed
    assert user.session.state == "training"
    user.wait(lambda: len(user.session.sweep_runs) == 2 and user.session.state == "idle")
    assert [run.seed for run in store.runs()[:2]] == [8, 7]
    user.wait(lambda: {run.seed for run in table(user).chosen} == {7, 8})


@pytest.mark.long
def test_ten_thousand_recorded_runs_are_shown_and_filtered_within_a_tenth_of_a_second(user, store, view):
    """From the request to the picture; the machine may be busy with other things: the best of several, or only what
    the window's own thread takes."""
    with store._transaction() as connection:
        for number in range(10_000):
            config = replace(BASE, seed=number, hidden=((32,), (256, 128))[number % 2])
            store._put(connection, run_of(f"{number:05}", config, began_s=2e9 + number), EPOCHS)
    table(user).show_runs([])
    listing_s, filtering_s = [], []

    for _ in range(7):
        table(user).show_runs([])
        began_s = time.perf_counter()
        with user.qtbot.waitSignal(table(user).runs.modelReset):
            view.refresh()
        assert len(listed(user)) == 10_003
        table(user).viewport().repaint()
        listing_s.append(time.perf_counter() - began_s)
        for key in "adam 256-128":
            began_s = time.thread_time()
            QTest.keyClick(user.widget("runsFilterEdit"), key)
            table(user).viewport().repaint()
            filtering_s.append(time.thread_time() - began_s)
        assert len(listed(user)) == 5_000
        user.widget("runsFilterEdit").clear()
    assert min(listing_s) < 0.1
    assert np.median(filtering_s) < 0.1


def test_ten_thousand_runs_do_not_block_the_window(user, view):
    one = run_of("one", BASE)
    runs = [one._replace(id=f"{n:05}", seed=n) for n in range(10_000)]
    began_s = time.thread_time()
    table(user).show_runs(runs)
    user.widget("runsFilterEdit").setText("seed=7777")
    took_s = time.thread_time() - began_s
    assert listed(user) == ["07777"]
    assert took_s < 0.2
    user.widget("runsFilterEdit").clear()
    began_s = time.thread_time()
    QTest.keyClick(table(user), Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    table(user).show_runs(runs[1:])  # the selection stays
    took_s = time.thread_time() - began_s
    assert len(table(user).chosen) == 9_999
    assert view._summary.text().startswith("The first 100 of 9,999 runs are drawn. 9,999 runs: test accuracy 85.00% ")
    assert took_s < 0.3
