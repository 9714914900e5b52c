"""Learning handwriting, and storing its drawings in files."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from networks import same

from engine import MLP, TrainingConfig, evaluate
from engine.run import TrainingRun
from engine.training import predict
from minigrad_gui import handwriting
from minigrad_gui.digits import rasterize
from minigrad_gui.handwriting import MAX_FILE_BYTES, DrawingStore, DrawingStoreError, is_dot, label_of, teach

FLAGGED_ONE = np.array([[0.2, 0.55], [0.55, 0.12], [0.55, 0.88]])
LINE = [np.array([[0.5, 0.1], [0.5, 0.9]])]
CROSS = [np.array([[0.1, 0.1], [0.9, 0.9]]), np.array([[0.9, 0.1], [0.1, 0.9]])]
NONE, NO_LABELS = np.zeros((0, 28, 28), np.float32), np.zeros(0, np.intp)


def flagged_ones(count: int, seed: int) -> np.ndarray:
    """Slightly different ones whose flag is as long as that of a 4 or a 9."""
    rng = np.random.default_rng(seed)
    return np.stack([rasterize([FLAGGED_ONE + rng.normal(0, 0.03, FLAGGED_ONE.shape)]) for _ in range(count)])


def weights(model: MLP) -> list[np.ndarray]:
    return [parameter.data.copy() for parameter in model.parameters()]


@pytest.fixture(scope="module")
def reader(mnist) -> MLP:
    """A small network that reads digits, but not a flagged one."""
    config = TrainingConfig(hidden=(64,), epochs=1, batch_size=32, learning_rate=3e-3, validation_share=0)
    run = TrainingRun(config, mnist.train_images[:20000], mnist.train_labels[:20000], 10)
    list(run)
    return run.model


@pytest.fixture(scope="module")
def replay(mnist):
    return mnist.train_images[:6000], mnist.train_labels[:6000]


@pytest.fixture
def hasty(monkeypatch):
    """Makes teaching quick where it does not matter how well the drawings are learnt."""
    for name, value in (("STEPS", 10), ("TAUGHT_VARIATIONS", 50), ("REPLAYED_VARIATIONS", 100)):
        monkeypatch.setattr(handwriting, name, value)


# ---------------------------------------------------------------- learning


def test_a_handwriting_is_learnt_and_nothing_forgotten(mnist, reader, replay):
    images, labels = mnist.test_images[:2000], mnist.test_labels[:2000]
    before, others = weights(reader), flagged_ones(50, seed=2)
    assert (predict(reader, others).argmax(axis=1) != 1).mean() > 0.9
    taught = teach(reader, flagged_ones(3, seed=1), [1, 1, 1], *replay)
    assert (predict(taught, others).argmax(axis=1) == 1).mean() > 0.9
    assert evaluate(taught, images, labels)[1] > evaluate(reader, images, labels)[1] - 0.012
    assert all(np.array_equal(old, new) for old, new in zip(before, weights(reader), strict=True))


def test_one_drawing_is_enough(reader, replay):
    drawn = flagged_ones(1, seed=1)
    assert predict(reader, drawn).argmax() != 1
    taught = teach(reader, drawn, [1], *replay)
    assert predict(taught, drawn).argmax() == 1


def test_windows_stay_windows(replay):
    config = TrainingConfig(hidden=(16, 12), receptive_field_px=14)
    taught = teach(config.build_model(784, 10), flagged_ones(1, seed=1), [1], *replay)
    assert config.describes(taught)
    seen = config.seen(784)
    assert np.all(taught.layers[0].W.data[~seen] == 0)
    assert not same(taught, config.build_model(784, 10))


def test_weights_change_no_more_than_they_must(reader, replay, monkeypatch):
    """Half of what was learnt is enough for a few ones; a millionth of it is not, so all of it is taken."""
    drawn = flagged_ones(2, seed=1)

    def changed(model: MLP) -> float:
        return float(np.hypot.reduce([np.linalg.norm(a - b) for a, b in zip(weights(model), before, strict=True)]))

    before = weights(reader)
    half = teach(reader, drawn, [1, 1], *replay)
    monkeypatch.setattr(handwriting, "SHARES", ())
    whole = teach(reader, drawn, [1, 1], *replay)
    assert changed(half) < 0.9 * changed(whole)
    assert (predict(half, drawn)[:, 1] >= handwriting.CERTAIN).all()
    monkeypatch.setattr(handwriting, "SHARES", (1e-6,))
    assert same(teach(reader, drawn, [1, 1], *replay), whole)


def test_a_drawing_that_is_learnt_without_certainty_stays_learnt(reader, replay, monkeypatch):
    monkeypatch.setattr(handwriting, "CERTAIN", 1.1)
    monkeypatch.setattr(handwriting, "SHARES", (1e-6,))
    drawn = flagged_ones(1, seed=1)
    assert predict(teach(reader, drawn, [1], *replay), drawn).argmax() == 1


def test_two_digits_are_learnt_at_once(reader, replay, mnist):
    """Two shapes that are not digits, taught a few times as 3 and as 8."""
    rng = np.random.default_rng(0)
    shapes = [rasterize([stroke + rng.normal(0, 0.02, stroke.shape) for stroke in CROSS]) for _ in range(4)]
    triangle = np.array([[0.5, 0.1], [0.9, 0.9], [0.1, 0.9], [0.5, 0.1]])
    shapes += [rasterize([triangle + rng.normal(0, 0.02, triangle.shape)]) for _ in range(4)]
    taught = teach(reader, np.stack(shapes), [3, 3, 3, 3, 8, 8, 8, 8], *replay)
    assert predict(taught, np.stack(shapes)).argmax(axis=1).tolist() == [3, 3, 3, 3, 8, 8, 8, 8]
    assert evaluate(taught, mnist.test_images[:2000], mnist.test_labels[:2000])[1] > 0.88


def test_without_drawings_the_copy_equals_the_network(reader, replay):
    taught = teach(reader, NONE, [], *replay)
    assert taught is not reader
    assert same(taught, reader)
    taught.parameters()[0].data[...] = 0
    assert not same(taught, reader)


@pytest.mark.usefixtures("hasty")
def test_the_same_rng_teaches_the_same(reader, replay):
    drawn = flagged_ones(2, seed=1)

    def taught(*seed: int) -> MLP:
        rng = {"rng": np.random.default_rng(seed)} if seed else {}
        return teach(reader, drawn, [1, 1], *replay, **rng)

    assert same(taught(5), taught(5))
    assert not same(taught(5), taught(6))
    assert same(taught(), taught())
    assert not same(taught(), reader)


@pytest.mark.usefixtures("hasty")
def test_float64_stays_float64(replay):
    model = MLP(784, (12,), 10, init="he", rng=np.random.default_rng(0))
    assert model.dtype == np.float64
    taught = teach(model, flagged_ones(2, seed=1), [1, 1], *replay)
    assert {each.dtype for each in weights(taught)} == {np.dtype(np.float64)}
    assert not same(taught, model)


@pytest.mark.usefixtures("hasty")
def test_replayed_digits_may_be_bytes_or_floats(reader, replay):
    images, labels = replay
    drawn = flagged_ones(2, seed=1)
    of_bytes = teach(reader, drawn, [1, 1], images, labels)
    of_floats = teach(reader, drawn, [1, 1], images.astype(np.float32) / np.float32(255), labels.astype(np.int64))
    assert same(of_bytes, of_floats)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("none", [NONE, NONE.astype(np.uint8)])
def test_drawings_are_learnt_without_replayed_digits(reader, none):
    drawn = flagged_ones(2, seed=1)
    taught = teach(reader, drawn, [1, 1], none, NO_LABELS)
    assert (predict(taught, drawn)[:, 1] > predict(reader, drawn)[:, 1]).all()


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("labels", [(1, 7), np.array([1, 7], np.uint8), np.array([1, 7], np.int64)])
def test_labels_of_any_kind(reader, replay, labels):
    drawn = flagged_ones(2, seed=1)
    assert same(teach(reader, drawn, labels, *replay), teach(reader, drawn, [1, 7], *replay))


@pytest.mark.usefixtures("hasty")
def test_a_cancelled_job_ends_early(reader, replay):
    drawn = flagged_ones(2, seed=1)
    assert same(teach(reader, drawn, [1, 1], *replay, cancelled=lambda: True), reader)
    asked: list[int] = []

    def soon() -> bool:
        asked.append(len(asked))
        return len(asked) > 3

    taught = teach(reader, drawn, [1, 1], *replay, cancelled=soon)
    assert len(asked) == 4
    assert not same(taught, reader)
    assert not same(taught, teach(reader, drawn, [1, 1], *replay))


# ---------------------------------------------------------------- DrawingStore


def opened(folder: Path) -> DrawingStore:
    """The store of the folder, loaded."""
    drawing_store = DrawingStore(folder)
    drawing_store.include(drawing_store.read())
    return drawing_store


def contents(drawing_store: DrawingStore) -> list[tuple[int, list]]:
    return [(drawing.label, [stroke.tolist() for stroke in drawing.strokes]) for drawing in drawing_store.drawings]


def test_drawings_are_loaded_the_next_time(tmp_path):
    drawing_store = DrawingStore(tmp_path / "a" / "handwriting")
    assert drawing_store.drawings == []
    assert not (tmp_path / "a").exists(), "no folder is created before there is something to store"
    first = drawing_store.add(LINE, 1)
    second = drawing_store.add(CROSS, 8)
    dot = drawing_store.add([np.array([[0.25, 0.75]])], 0)
    assert drawing_store.drawings == [first, second, dot]
    again = opened(drawing_store.folder)
    assert contents(again) == contents(drawing_store)
    assert [drawing.name for drawing in again.drawings] == [first.name, second.name, dot.name]
    assert sorted(file.name for file in drawing_store.folder.iterdir()) == [first.name, second.name, dot.name]


def test_points_are_stored_to_a_hundredth_of_a_pixel(tmp_path):
    stroke = np.random.default_rng(0).uniform(size=(200, 2))
    DrawingStore(tmp_path).add([stroke], 3)
    (drawing,) = opened(tmp_path).drawings
    assert drawing.strokes[0].dtype == np.float64
    np.testing.assert_allclose(drawing.strokes[0], stroke, rtol=0, atol=5.1e-5)
    np.testing.assert_allclose(rasterize(drawing.strokes), rasterize([stroke]), atol=0.01)


def test_many_drawings_stay_in_order_of_time(tmp_path):
    drawing_store = DrawingStore(tmp_path)
    for label in [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]:
        drawing_store.add(LINE, label)
    assert [drawing.label for drawing in opened(tmp_path).drawings] == [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]


def test_removing_a_drawing_does_not_affect_the_others(tmp_path):
    drawing_store = DrawingStore(tmp_path)
    first, second, third = (drawing_store.add([LINE[0].copy()], 1) for _ in range(3))
    assert first != second, "equal, but two drawings"
    drawing_store.remove(second)
    assert drawing_store.drawings == [first, third]
    assert sorted(file.name for file in tmp_path.iterdir()) == [first.name, third.name]
    drawing_store.remove(second)
    assert drawing_store.drawings == [first, third]


def test_a_drawing_removed_by_another_window_can_be_removed(tmp_path):
    drawing_store = DrawingStore(tmp_path)
    drawing = drawing_store.add(LINE, 1)
    (other,) = opened(tmp_path).drawings
    drawing_store.remove(drawing)
    DrawingStore(tmp_path).remove(other)
    assert opened(tmp_path).drawings == []


GOOD = {"label": 1, "strokes": [[[0.5, 0.1], [0.5, 0.9]]]}
DAMAGED = {
    "very many strokes": json.dumps({"label": 1, "strokes": [[[0.1, 0.2]]] * 100_000}).encode(),
    "empty": b"",
    "cut": json.dumps(GOOD).encode()[:-5],
    "bytes": b"\xff\xfe\x00\x93NUMPY",
    "a list": b"[1, 2, 3]",
    "a number": b"7",
    "text": b'"drawing"',
    "null": b"null",
    "settings of something else": b'{"window": {"width": 1280}}',
    "no label": b'{"strokes": [[[0.5, 0.1], [0.5, 0.9]]]}',
    "no strokes": b'{"label": 1}',
    "no stroke": b'{"label": 1, "strokes": []}',
    "an empty stroke": b'{"label": 1, "strokes": [[]]}',
    "strokes as a number": b'{"label": 1, "strokes": 5}',
    "strokes as an object": b'{"label": 1, "strokes": {"a": 1}}',
    "strokes as text": b'{"label": 1, "strokes": "abc"}',
    "odd points": b'{"label": 1, "strokes": [[[0.5, 0.1], [0.5]]]}',
    "three numbers": b'{"label": 1, "strokes": [[[0.5, 0.1, 0.3]]]}',
    "words for points": b'{"label": 1, "strokes": [[["left", "right"]]]}',
    "nan": b'{"label": 1, "strokes": [[[0.5, NaN]]]}',
    "infinity": b'{"label": 1, "strokes": [[[0.5, Infinity], [0.1, 0.1]]]}',
    "1e999": b'{"label": 1, "strokes": [[[0.5, 1e999]]]}',
    "far too large": b'{"label": 1, "strokes": [[[-1e308, 0], [1e308, 1]]]}',
    "more than a float holds": b'{"label": 1, "strokes": [[[1' + 400 * b"0" + b", 0]]]}",
    "label 10": b'{"label": 10, "strokes": [[[0.5, 0.1]]]}',
    "label -1": b'{"label": -1, "strokes": [[[0.5, 0.1]]]}',
    "label 1.0": b'{"label": 1.0, "strokes": [[[0.5, 0.1]]]}',
    "label true": b'{"label": true, "strokes": [[[0.5, 0.1]]]}',
    "label as text": b'{"label": "1", "strokes": [[[0.5, 0.1]]]}',
    "nested": b'{"label": 1, "strokes": ' + 100_000 * b"[" + 100_000 * b"]" + b"}",
    "nested a little": b'{"label": 1, "strokes": ' + 60 * b"[" + 60 * b"]" + b"}",
    "huge": json.dumps(GOOD).encode() + MAX_FILE_BYTES * b" ",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_file_that_is_not_a_drawing_is_skipped_and_left_alone(tmp_path, content):
    first = DrawingStore(tmp_path).add(LINE, 1)
    (tmp_path / "00000.json").write_bytes(content)
    (tmp_path / "99999.json").write_bytes(content)
    drawing_store = opened(tmp_path)
    assert [drawing.name for drawing in drawing_store.drawings] == [first.name]
    drawing_store.remove(drawing_store.drawings[0])
    assert (tmp_path / "00000.json").read_bytes() == (tmp_path / "99999.json").read_bytes() == content


@pytest.mark.parametrize("label", ["A", "ankle boot", "é", "10", "x" * 60])
def test_other_classes_are_stored_by_name(tmp_path, label):
    DrawingStore(tmp_path).add(LINE, label_of(label))
    assert [drawing.label for drawing in opened(tmp_path).drawings] == [label]


@pytest.mark.parametrize("label", ["7", "", "x" * 61, "a\nb", 10, -1, 7.0, True, None, ["A"]])
def test_a_label_is_a_digit_or_the_name_of_another_class(tmp_path, label):
    (tmp_path / "one.json").write_text(json.dumps({**GOOD, "label": label}))
    assert opened(tmp_path).drawings == []
    assert label_of("7") == 7


def test_what_is_not_a_json_file_is_skipped_and_left_alone(tmp_path):
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / ".0123456789abcdef.tmp").write_text(json.dumps(GOOD))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.json")  # never written to
    before = len(list(tmp_path.iterdir()))
    assert opened(tmp_path).drawings == []
    assert len(list(tmp_path.iterdir())) == before


def test_a_drawing_by_another_program_is_read(tmp_path):
    """Integers, other units, tiny numbers, and additional entries."""
    strokes = [[[10, 20], [10, 200]], [[1e-310, 5]]]
    (tmp_path / "mine.json").write_text(json.dumps({"label": 4, "strokes": strokes, "by": "me"}))
    (drawing,) = opened(tmp_path).drawings
    assert drawing.label == 4
    assert np.isfinite(rasterize(drawing.strokes)).all()
    (tmp_path / "small.json").write_text(json.dumps({"label": 4, "strokes": [[[0, 0], [1e-310, 1e-310]]]}))
    assert all(np.isfinite(rasterize(drawing.strokes)).all() for drawing in opened(tmp_path).drawings)


def test_drawings_added_before_loading_follow_the_loaded_ones(tmp_path):
    for label in (1, 2):
        DrawingStore(tmp_path).add(LINE, label)
    drawing_store = DrawingStore(tmp_path)
    added = drawing_store.add(CROSS, 3)
    taken_back = drawing_store.add(CROSS, 4)
    read = drawing_store.read()
    drawing_store.remove(taken_back)
    assert [drawing.label for drawing in drawing_store.drawings] == [3]
    drawing_store.include(read)
    assert [drawing.label for drawing in drawing_store.drawings] == [1, 2, 3]
    assert drawing_store.drawings[-1] is added
    drawing_store.include(read)
    assert [drawing.label for drawing in drawing_store.drawings] == [1, 2, 3], "it is included once"


def test_cancelled_loading_ends_early(tmp_path):
    for label in range(5):
        DrawingStore(tmp_path).add(LINE, label)
    answers = iter([False, False, True])
    assert [drawing.label for drawing in DrawingStore(tmp_path).read(lambda: next(answers))] == [0, 1]


def test_forgetting_leaves_no_file(tmp_path):
    """Neither old files, nor those of another window, nor the draft of a killed process."""
    others = {"mine.txt": "mine", "mine.json": '{"theme": "dark"}', ".now.tmp": "another window writes it just now"}
    for name, content in others.items():
        (tmp_path / name).write_text(content)
    (tmp_path / ".old.tmp").write_text(json.dumps(GOOD))
    os.utime(tmp_path / ".old.tmp", (1, 1))
    drawing_store, other = DrawingStore(tmp_path), DrawingStore(tmp_path)
    drawing_store.add(LINE, 1)
    other.add(LINE, 2)
    drawing_store.forget()
    assert drawing_store.drawings == []
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == others
    other.add(LINE, 3)
    assert [drawing.label for drawing in opened(tmp_path).drawings] == [3]


def test_drawings_forgotten_before_loading_stay_deleted(tmp_path):
    DrawingStore(tmp_path).add(LINE, 1)
    drawing_store = DrawingStore(tmp_path)
    read = drawing_store.read()
    drawing_store.forget()
    drawing_store.include(read)
    assert drawing_store.drawings == []
    assert list(tmp_path.iterdir()) == []


def test_a_label_is_corrected_in_its_file_and_the_order_stays(tmp_path):
    drawing_store = DrawingStore(tmp_path)
    drawings = [drawing_store.add(LINE, label) for label in (1, 6, 9)]
    drawing_store.relabel(drawings[:2], 8)
    assert [drawing.label for drawing in drawing_store.drawings] == [8, 8, 9]
    assert [drawing.name for drawing in drawing_store.drawings] == [drawing.name for drawing in drawings]
    assert contents(opened(tmp_path)) == contents(drawing_store)


def test_a_label_that_cannot_be_written_does_not_change(tmp_path):
    drawing_store = DrawingStore(tmp_path)
    first, second = drawing_store.add(LINE, 1), drawing_store.add(LINE, 6)
    (tmp_path / first.name).unlink()
    (tmp_path / first.name).mkdir()
    with pytest.raises(DrawingStoreError, match=r"^The drawing could not be corrected in .*: .*\.$"):
        drawing_store.relabel([first, second], 8)
    assert [drawing.label for drawing in drawing_store.drawings] == [1, 8]


def test_an_unwritten_drawing_is_corrected_in_memory_and_written_later(tmp_path):
    folder = tmp_path / "handwriting"
    folder.touch()
    drawing_store = DrawingStore(folder)
    with pytest.raises(DrawingStoreError):
        drawing_store.add(LINE, 1)
    drawing_store.relabel(drawing_store.drawings, 7)
    folder.unlink()
    drawing_store.add(LINE, 4)
    assert [drawing.label for drawing in opened(folder).drawings] == [7, 4]


@pytest.mark.parametrize(
    ("strokes", "dots"),
    [
        ([[[0.5, 0.5]]], True),
        ([[[0.5, 0.5], [0.52, 0.5], [0.5, 0.51]]], True),
        ([[[0.2, 0.5]], [[0.8, 0.5]]], True),
        ([[[0.5, 0.4], [0.5, 0.5]]], False),
        ([[[0.5, 0.5]], *LINE], False),
    ],
)
def test_dots_are_distinguished_from_lines(strokes, dots):
    assert is_dot(strokes) is dots


def test_a_failed_write_is_reported_once_and_made_up_for_later(tmp_path):
    folder = tmp_path / "handwriting"
    folder.touch()
    drawing_store = DrawingStore(folder)
    with pytest.raises(DrawingStoreError):
        drawing_store.add(LINE, 1)
    for label in (2, 3):
        drawing_store.add(LINE, label)
    drawing_store.remove(drawing_store.drawings[1])
    folder.unlink()
    drawing_store.add(LINE, 4)
    assert contents(opened(folder)) == contents(drawing_store)
    assert [drawing.label for drawing in drawing_store.drawings] == [1, 3, 4]
    shutil.rmtree(folder)
    folder.touch()
    with pytest.raises(DrawingStoreError):
        drawing_store.add(LINE, 5)


def check_is_in_memory_alone(folder: Path) -> None:
    drawing_store = DrawingStore(folder)
    assert drawing_store.drawings == []
    with pytest.raises(DrawingStoreError) as raised:
        drawing_store.add(LINE, 1)
    message = str(raised.value)
    assert str(folder) in message
    assert message.endswith(".")
    assert "\n" not in message
    drawing_store.add(LINE, 2)
    assert [drawing.label for drawing in drawing_store.drawings] == [1, 2]
    drawing_store.remove(drawing_store.drawings[0])
    assert [drawing.label for drawing in drawing_store.drawings] == [2]


def test_if_the_folder_is_a_file_the_drawing_stays_in_memory(tmp_path):
    (tmp_path / "handwriting").write_text("a file of somebody's")
    check_is_in_memory_alone(tmp_path / "handwriting")
    assert (tmp_path / "handwriting").read_text() == "a file of somebody's"


def test_if_the_parent_folder_is_a_file_the_drawing_stays_in_memory(tmp_path):
    (tmp_path / "file").touch()
    check_is_in_memory_alone(tmp_path / "file" / "minigrad" / "handwriting")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_without_write_permission_the_drawing_stays_in_memory(tmp_path):
    folder = tmp_path / "handwriting"
    folder.mkdir(mode=0o500)
    try:
        check_is_in_memory_alone(folder)
    finally:
        folder.chmod(0o700)


def test_a_drawing_that_cannot_be_removed_stays_and_the_others_are_deleted(tmp_path):
    drawing_store = DrawingStore(tmp_path)
    others = drawing_store.add(LINE, 0), drawing_store.add(LINE, 2)
    drawing = drawing_store.add(LINE, 1)
    (tmp_path / drawing.name).unlink()
    (tmp_path / drawing.name).mkdir()
    with pytest.raises(DrawingStoreError, match=r"could not be removed from .*: .*\.$"):
        drawing_store.remove(others[0], drawing, others[1])
    assert drawing_store.drawings == [drawing]
