"""A person's own data in the window: opened, trained on, read, taught, saved, and opened again."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from own_files import write_idx
from PIL import Image
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QLabel
from some_views import with_settings

from engine import MLP, load_model, save_model
from minigrad_gui import cli
from minigrad_gui.data import DIGIT_NAMES, Choices

pytestmark = pytest.mark.usefixtures("quick_prototypes")

SHAPES = ("bar", "ring", "slash")
CAPITALS = [chr(code) for code in range(ord("A"), ord("Z") + 1)]


def shapes_folder(folder: Path, count: int = 40) -> Path:
    """Pictures of three shapes, a folder for each."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:28, :28]
    for name in SHAPES:
        (folder / name).mkdir(parents=True)
        for number in range(count):
            x, y = rng.uniform(12, 16, 2)
            distance = {
                "bar": np.abs(columns - x),
                "ring": np.abs(np.hypot(columns - x, rows - y) - 8),
                "slash": np.abs(columns - x + rows - y) / 1.4,
            }[name]
            inside = (np.abs(rows - 14) < 10) & (np.abs(columns - 14) < 11)
            Image.fromarray(np.where((distance < 1.8) & inside, 255, 0).astype(np.uint8)).save(
                folder / name / f"{number}.png"
            )
    return folder


def many_classes(folder: Path) -> Path:
    """IDX files of as many classes as there may be, which differ in where their ink is."""
    rng = np.random.default_rng(1)

    def some(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count, dtype=np.uint8) % 100
        images = rng.integers(0, 30, (count, 28, 28), np.uint8)
        for image, label in zip(images, labels.tolist(), strict=True):
            row, column = (14 * place // 5 for place in divmod(label, 10))
            image[row : row + 3, column : column + 3] = 255
        return images, labels

    folder.mkdir()
    (x, y), (tx, ty) = some(1500), some(300)
    return write_idx(folder, SimpleNamespace(x=x, y=y, tx=tx, ty=ty))


def open_data(user, path: Path, **choices: str) -> None:
    with user.qtbot.waitSignal(user.session.datasetOpened, timeout=30_000):
        user.session.open_dataset(path, Choices(**choices))


def wait_for_answers(user) -> None:
    """Until every view has shown what it asked for."""
    analyst = user.session._analyst
    user.wait(lambda: not analyst._waiting and analyst._current is None)
    QCoreApplication.sendPostedEvents()  # the last answer


def show_every_view(user) -> None:
    """Bring each view to the front and wait for its answers; at last the first again, which needs no pictures."""
    from minigrad_gui.widgets.docks import Dock

    docks = user.window.findChildren(Dock)
    for dock in (*docks, docks[0]):
        dock.action.setChecked(True)
        wait_for_answers(user)


@pytest.fixture
def shapes(tmp_path):
    return shapes_folder(tmp_path / "shapes")


@pytest.mark.usefixtures("short_teaching")
def test_three_classes_are_opened_trained_read_taught_saved_and_opened_again(user, shapes, tmp_path):
    open_data(user, shapes)
    user.train(hidden="16", epochs=20, batch_size=16)
    assert user.session.model.sizes == (784, 16, 3)
    assert user.session.class_names == SHAPES
    bars = user.widget("probabilityBars")
    user.draw(1)
    assert user.reading().name == "bar"
    assert len(bars.probabilities) == 3
    assert user.widget("predictionLabel").text() == "bar"
    show_every_view(user)
    user.session.teach(2)
    assert user.session.taught_label == "slash"
    assert "“slash”" in user.widget("taughtLabel").text()
    user.widget("handwritingCheck").setChecked(True)
    user.wait(lambda: user.session.handwriting_state == "on")
    user.wait(lambda: user.session.prediction.with_handwriting)
    assert user.session.handwriting_accuracy > 0.9
    user.session.save(tmp_path / "shapes.npz")
    user.session.open_pretrained()
    assert user.session.class_names == DIGIT_NAMES
    user.wait(lambda: user.session.prediction.probabilities.shape == (10,))
    assert user.session.usable_drawings == ()
    assert user.widget("taughtLabel").text() == "Saved as “slash”, which is no class of this network."
    user.session.open(tmp_path / "shapes.npz")
    assert user.session.class_names == SHAPES
    assert (user.session.source, user.session.record.class_names) == (str(shapes), SHAPES)
    assert [drawing.label for drawing in user.session.usable_drawings] == ["slash"]
    user.wait(lambda: user.session.prediction.name == "bar")


@pytest.mark.tabs("whyView")
@pytest.mark.panels("DrawPanel")
def test_networks_of_other_classes_take_each_others_place_while_they_are_shown(user, tmp_path):
    few, many = tmp_path / "few.npz", tmp_path / "many.npz"
    save_model(few, MLP(784, [8], 3), {"class_names": list(SHAPES)})
    save_model(many, MLP(784, [8], 26), {"class_names": CAPITALS})
    user.trigger("showWhyAction")
    user.draw(7)
    assert user.reading().digit == 7
    combo = user.widget("whyDigitCombo")
    user.wait(lambda: "7" in user.widget("whyVerdict").text())
    combo.setCurrentIndex(10)
    for path, names in ((few, list(SHAPES)), (many, CAPITALS), (None, list(DIGIT_NAMES))):
        user.widget("drawingCanvas").setFocus()
        user.qtbot.keyClick(user.widget("drawingCanvas"), "9")
        if path is None:
            user.session.open_pretrained()
        else:
            user.session.open(path)
        user.wait(lambda names=names: [combo.itemText(row) for row in range(1, combo.count())] == names)
        user.wait(lambda names=names: user.session.prediction.class_names == tuple(names))
        wait_for_answers(user)
    assert combo.currentIndex() == 0


@pytest.mark.tabs("networkView", "weightsView", "nearestView", "confusionView", "datasetView")
def test_a_network_whose_data_is_gone_reads_and_views_say_so_until_it_is_opened_again(user, tmp_path):
    gone = tmp_path / "gone"
    network = MLP(784, [8], 3, init="he")
    save_model(tmp_path / "shapes.npz", network, {"class_names": list(SHAPES), "dataset": str(gone)})
    user.session.open(tmp_path / "shapes.npz")
    assert user.session.source == "mnist"
    assert user.widget("datasetComboError").text() == "“gone” was not found. Open it from where it is now."
    assert user.widget("statusLabel").text() == "The dataset was not found: Train would use MNIST."
    user.draw(1)
    assert user.reading().name in SHAPES

    def complaints(name):
        """What a view says of the pictures."""
        user.trigger(f"show{name}Action")
        wait_for_answers(user)
        labels = user.widget(f"{name.lower()}View").findChildren(QLabel)
        return [label.text() for label in labels if label.isVisible() and "trained on" in label.text()]

    where = f"The pictures that this network was trained on are not at {gone}: "
    missing = f"{where}put them back there, or open them from where they are now."
    user.wait(lambda: complaints("Network") == [missing])
    user.wait(lambda: complaints("Weights") == [f"Only the weights are shown. {missing}"])
    user.wait(lambda: complaints("Nearest") == [missing])
    user.wait(lambda: complaints("Confusion") == [missing])
    assert user.widget("excitingCaption").text() == "No pictures"
    assert user.widget("damageAccuracy").text() == "Test: –"
    assert (user.widget("weightsMosaic").count, user.widget("layerTable").isHidden()) == (8, True)
    user.widget("weightsOrderCombo").setCurrentText("Most active first")  # which cannot be known
    user.session.teach(2)
    open_data(user, shapes_folder(tmp_path / "found", 12))
    assert user.widget("datasetComboError").isHidden()
    user.wait(lambda: complaints("Network") == [] and "Best of" in user.widget("excitingCaption").text())
    assert "%" in user.widget("damageAccuracy").text()
    user.wait(lambda: complaints("Weights") == [] and not user.widget("layerTable").isHidden())
    user.wait(lambda: complaints("Nearest") == [] and user.widget("nearestHiddenDigits").count == 12)
    user.wait(lambda: complaints("Confusion") == [] and "read correctly" in user.widget("confusionHeading").text())
    assert user.session._handwriting._trained_on.source == str(tmp_path / "found")


def test_many_classes_show_the_likeliest_and_list_all(user, tmp_path):
    open_data(user, many_classes(tmp_path / "many"))
    assert user.session.dataset.class_names == tuple(map(str, range(100)))
    user.train(hidden="32", epochs=8, batch_size=16)
    assert user.session.model.sizes[-1] == 100
    user.session.show_picture(user.session.dataset.test_images[35] / np.float32(255), "one")
    assert user.session.prediction.name == "35"
    labels = user.widget("labelCombo")
    assert labels.isVisible()
    assert [labels.itemText(row) for row in (0, 99)] == ["0", "99"]
    show_every_view(user)
    user.draw(7)
    user.reading()
    labels.activated.emit(40)
    assert user.session.taught_label == "40"
    user.session.save(tmp_path / "many.npz")
    assert tuple(load_model(tmp_path / "many.npz")[1]["class_names"]) == tuple(map(str, range(100)))


@pytest.mark.usefixtures("patient_closing")
@pytest.mark.tabs("datasetView")
@with_settings
def test_a_run_on_own_data_is_resumed_after_a_kill(make_user, shapes, runs):
    first = make_user()
    open_data(first, shapes, orientation="mirrored")
    first.configure(hidden="8", epochs=100_000, batch_size=16)
    first.click("trainButton")
    first.wait(lambda: first.session.class_names == SHAPES and len(first.session.history) > 0)
    first.window.leave()
    first.wait(lambda: first.window.has_ended)
    second = make_user()
    (run,) = second.session.left_behind
    assert (run.source, len(list(runs.glob("*.npz")))) == (str(shapes), 1)
    second.session.resume_run(run)
    second.wait(lambda: second.session.class_names == SHAPES)
    assert (second.session.source, second.session.choices) == (str(shapes), Choices(orientation="mirrored"))
    second.session.stop()
    second.wait(lambda: second.session.state == "idle")


@pytest.mark.usefixtures("patient_closing")
@pytest.mark.tabs("datasetView")
@with_settings
def test_what_was_left_behind_is_not_lost_while_its_data_is_gone(make_user, shapes, runs, warnings):
    away = shapes.with_name("away")
    first = make_user()
    open_data(first, shapes)
    first.train(hidden="8", epochs=2, batch_size=16)
    trained = first.session.model
    first.window.leave()
    shapes.rename(away)
    second = make_user()
    assert second.session.missing_dataset == (str(shapes), Choices())
    assert "not at" not in second.widget("offerLabel").text()
    second.click("offerRestoreButton")
    assert np.array_equal(second.session.model.layers[0].W.data, trained.layers[0].W.data)
    assert (second.session.class_names, second.session.modified) == (SHAPES, True)
    assert second.session.record.test_accuracy is not None
    assert "(8, 2 epochs)" in second.session.name
    second.window.leave()
    third = make_user()
    assert [run.source for run in third.session.left_behind] == [str(shapes)]
    for network in runs.parent.glob("run-networks/*"):
        network.unlink()  # newer ones have taken their place
    third.click("offerNotNowButton")
    third.trigger("recoverAction")
    offered = third.widget("offerLabel").accessibleName()
    assert offered.endswith(f"Its data is not at {shapes}: put it back there first.")
    third.click("offerRestoreButton")
    assert warnings == [f"The run needs its data, which is not at {shapes}. Put it back there first."]
    assert third.widget("offer").isVisible()
    away.rename(shapes)
    third.click("offerRestoreButton")
    third.wait(lambda: third.session.class_names == SHAPES and third.session.state == "idle")
    assert np.array_equal(third.session.model.layers[0].W.data, trained.layers[0].W.data)


def test_the_terminal_reads_and_tests_with_the_names_of_the_classes(shapes, tmp_path, capsys):
    model = tmp_path / "shapes.npz"
    arguments = ["--hidden", "16", "--epochs", "20", "--batch-size", "16", "--threads", "1", "--save", str(model)]
    assert cli.main(["train", "--data", str(shapes), *arguments]) == 0
    assert load_model(model)[1]["class_names"] == list(SHAPES)
    capsys.readouterr()
    assert cli.main(["evaluate", str(model)]) == 0
    assert "test accuracy 100.00%" in capsys.readouterr().out
    assert cli.main(["predict", str(model), str(shapes / "slash" / "0.png")]) == 0
    assert ": slash (" in capsys.readouterr().out
