"""Networks are exported in another thread, each to its own file."""

from networks import small_network

from engine.nn import ReLU
from minigrad_gui.analysis import Answer
from minigrad_gui.session.exporting import KEY, Exporting


def test_what_was_written_and_what_could_not_be_is_told(tmp_path):
    asked, told = [], []
    exporting = Exporting(lambda key, work: asked.append((key, work)))
    for signal in ("exporting", "exported", "failed"):
        getattr(exporting, signal).connect(lambda text, signal=signal: told.append((signal, text)))
    exporting.write(tmp_path / "a.json", small_network(ReLU), {})
    exporting.write(tmp_path / "b.docx", small_network(ReLU), {})
    assert told == [("exporting", "a.json"), ("exporting", "b.docx")]
    assert not list(tmp_path.iterdir())
    for key, work in asked:
        assert key.startswith(KEY)
        exporting.take(Answer(key, work(None)))
    exporting.take(Answer(f"{KEY}c.json", error="MemoryError"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert told[2:4] == [("exporting", ""), ("exported", "a.json")]
    assert [signal for signal, _ in told[4:]] == ["exporting", "failed"] * 2
    assert "its suffix must be" in told[5][1]
