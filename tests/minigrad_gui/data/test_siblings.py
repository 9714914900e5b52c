"""Files beside a file belong to it if only words such as "train" tell them apart."""

from minigrad_gui.data.siblings import family, visible


def test_family(tmp_path):
    for name in ("a-train.csv", "a-test.csv", "b-train.csv", "a-test.npz", "._a-test.csv", "a-val.csv.gz"):
        (tmp_path / name).write_bytes(b"")
    assert list(family(tmp_path / "a-train.csv")) == ["a-train.csv", "a-test.csv", "a-val.csv"]


def test_what_systems_leave_behind_is_not_visible(tmp_path):
    for name in (".ipynb_checkpoints", "__MACOSX", "._0.png", "Thumbs.db", ".DS_Store"):
        assert not visible(tmp_path / name)
    assert visible(tmp_path / "0")
