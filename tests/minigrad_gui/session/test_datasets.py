"""Datasets are opened in another thread and remembered."""

import numpy as np
import pytest
from own_files import write_idx

from minigrad_gui.data import ALL_GUESSED, Choices
from minigrad_gui.session import Session

TURNED = Choices(orientation="transposed")


@pytest.fixture
def session(tmp_path):
    session = Session(folder=tmp_path / "data")
    yield session
    session.close()
    assert session.wait(30_000)


@pytest.fixture
def files(tmp_path, few):
    """Two datasets in files."""
    paths = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.npz"
        np.savez(path, x_train=few.train_images[:300], y_train=few.train_labels[:300])
        paths.append(path)
    return paths


def opened(session, qtbot, source, choices=ALL_GUESSED):
    with qtbot.waitSignal(session.datasetOpened, timeout=30_000) as signal:
        session.open_dataset(source, choices)
    return signal.args[0]


def test_an_opened_dataset_is_that_of_the_next_run(session, qtbot, files):
    said = []
    session.datasetOpening.connect(said.append)
    assert session.dataset is None
    assert opened(session, qtbot, files[0]) == str(files[0])
    assert (session.source, session.choices) == (str(files[0]), ALL_GUESSED)
    assert session.dataset.name == "one.npz"
    assert said == [str(files[0]), ""]
    upright = session.dataset.train_images
    opened(session, qtbot, files[0], TURNED)
    assert session.choices == TURNED
    np.testing.assert_array_equal(session.dataset.train_images, upright.swapaxes(1, 2))
    assert session.recent_datasets == ((str(files[0]), TURNED),)


def test_what_cannot_be_opened_changes_nothing(session, qtbot, tmp_path):
    (tmp_path / "wrong.npz").write_bytes(b"nothing")
    with qtbot.waitSignal(session.failed, timeout=30_000) as failed, qtbot.assertNotEmitted(session.configChanged):
        session.open_dataset(tmp_path / "wrong.npz")
    assert "wrong.npz cannot be opened" in failed.args[0]
    assert (session.source, session.recent_datasets, session.opening_source) == ("mnist", (), "")


def test_a_second_request_takes_the_place_of_the_first(session, qtbot, files):
    heard = []
    session.datasetOpened.connect(heard.append)
    session.open_dataset(files[0])
    assert session.opening_source == str(files[0])
    opened(session, qtbot, files[1])
    assert heard == [str(files[1])]
    assert session.source == str(files[1])


def test_at_most_five_are_remembered_and_those_that_are_gone_are_left_out(session, files):
    names = [f"{files[0].parent}/{number}" for number in range(7)]
    for name in names:
        session.remember_datasets([(name, ALL_GUESSED)])
    session.remember_datasets([("mnist", ALL_GUESSED)])
    assert session.recent_datasets == ()
    session.remember_datasets([(str(path), TURNED) for path in files])
    session.remember_datasets([(str(files[1]), ALL_GUESSED)])
    assert session.recent_datasets == ((str(files[1]), ALL_GUESSED), (str(files[0]), TURNED))


def test_a_folder_is_remembered_by_a_path_that_is_valid_anywhere(session, qtbot, tmp_path, few, monkeypatch):
    class Own:
        x, y, tx, ty = few.train_images[:300], few.train_labels[:300], few.test_images[:90], few.test_labels[:90]

    (tmp_path / "own").mkdir()
    write_idx(tmp_path / "own", Own)
    monkeypatch.chdir(tmp_path)
    assert opened(session, qtbot, "own") == str(tmp_path / "own")
