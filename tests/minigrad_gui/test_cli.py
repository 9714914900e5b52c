"""The command line, as a person types it."""

import os
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mnist_digits import mnist, replace_mnist
from torch_bytes import pt_bytes, tensor
from torch_bytes import text as pickled

from engine import MLP, Augmentation, TrainingConfig, evaluate, load_model, save_model
from engine.calibration import Calibration
from engine.config import MAX_AUGMENTATION
from engine.record import TrainingRecord
from engine.schedules import SCHEDULES
from engine.training import logits_of
from minigrad_gui import data, exchange
from minigrad_gui.cli import main
from minigrad_gui.exchange import measuring
from minigrad_gui.presets import PRESETS
from minigrad_gui.resources import asset_path
from minigrad_gui.runner import Runner

pytestmark = pytest.mark.usefixtures("few_digits")
PRETRAINED = str(asset_path("pretrained.npz"))


@pytest.fixture
def whole_mnist(few_digits, monkeypatch):  # noqa: ARG001
    """All of MNIST, for what is known of all of it."""
    replace_mnist(monkeypatch, mnist)


@pytest.fixture
def trained(tmp_path):
    path = tmp_path / "model.npz"
    assert main(["train", "--epochs", "1", "--hidden", "16", "--batch-size", "1000", "--save", str(path)]) == 0
    return path


def test_train_saves_the_requested_network(tmp_path, capsys):
    path = tmp_path / "model.npz"
    words = "train --epochs 2 --hidden 24,12 --batch-size 25 --optimizer momentum --lr 0.05 --seed 3 --activation tanh"
    assert main([*words.split(), "--validation", "0.1", "--save", str(path)]) == 0
    out = capsys.readouterr().out
    assert "epoch 1/2: training loss" in out
    assert "validation accuracy" in out
    assert "test accuracy" in out
    assert f"saved {path}" in out
    model, meta = load_model(path)
    assert model.sizes == (784, 24, 12, 10)
    assert meta["config"]["optimizer"] == "momentum"
    assert meta["config"]["seed"] == 3
    assert len(meta["epochs"]) == 2
    assert meta["test_accuracy"] > 0.8


@pytest.fixture
def trained_config(tmp_path, monkeypatch):
    """`trained_config("--lr 1")`: runs `train` on a few digits and returns the settings recorded in its file."""
    digits = mnist()
    few = {part: getattr(digits, part)[:100] for part in ("train_images", "train_labels", "test_images", "test_labels")}
    monkeypatch.setattr(data, "load", lambda *_: replace(digits, **few))

    def train(words):
        path = tmp_path / "model.npz"
        assert main(["train", "--threads", "1", *words.split(), "--save", str(path)]) == 0
        model, meta = load_model(path)
        config = TrainingConfig(**meta["config"])
        assert model.sizes == config.sizes(784, 10)
        return config

    return train


@pytest.mark.tabs
def test_without_options_train_uses_the_windows_defaults(trained_config, user):
    assert trained_config("") == user.session.config == PRESETS["quick"]
    user.session.set_config(PRESETS["best"], "mnist")
    user.click("defaultsButton")
    assert (user.session.config, user.session.source) == (trained_config(""), "mnist")


@pytest.mark.usefixtures("whole_mnist")
@pytest.mark.parametrize("share", ["0", "0.1"])
def test_every_network_is_calibrated(share, tmp_path):
    path = tmp_path / "model.npz"
    words = f"train --epochs 1 --hidden 16 --batch-size 500 --lr 0.003 --validation {share} --save {path}"
    assert main(words.split()) == 0
    model, meta = load_model(path)
    calibration = TrainingRecord.from_meta(meta).calibration
    assert calibration != Calibration()
    dark = np.full((1, 28, 28), 0.02, np.float32)
    assert not calibration.read(logits_of(model, dark))[1].any(), "a picture without a digit is reported as such"
    assert calibration.read(logits_of(model, mnist().test_images))[1].mean() > 0.9


SUFFIXES = ["x.onnx", "x.pt", "x.h5", "x.npz.gz", "x.NPY"]


@pytest.mark.parametrize("option", ["--save", "--checkpoint"])
@pytest.mark.parametrize("name", SUFFIXES)
def test_the_suffix_of_another_format_is_refused_before_training(option, name, tmp_path, capsys):
    assert main(["train", option, str(tmp_path / name)]) == 2
    out, err = capsys.readouterr()
    right = Path(name).with_suffix(".npz").name
    said = f"{name} would not be a {Path(name).suffix} file: networks are saved as .npz; name it {right}."
    assert err.splitlines() == [f"minigrad-gui: {said}"]
    assert out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["plain", "digits-0.98", "ready.npz", "LOUD.NPZ"])
def test_a_name_without_a_suffix_gets_one(name, tmp_path, capsys):
    checkpoint = tmp_path / f"run of {name}"
    words = ["train", "--epochs", "1", "--hidden", "4", "--batch-size", "2000"]
    assert main([*words, "--save", str(tmp_path / name), "--checkpoint", str(checkpoint)]) == 0
    written = [path.name for path in tmp_path.iterdir() if path.is_file()]
    right = name if name.lower().endswith(".npz") else f"{name}.npz"
    assert sorted(written) == sorted([right, f"run of {right}"])
    assert f"saved {tmp_path / right}" in capsys.readouterr().out
    assert main([*words, "--checkpoint", str(checkpoint)]) == 2
    assert "already holds a run" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["quick", "reference", "best", "2-seconds"])
def test_a_preset_is_used_unchanged(name, trained_config):
    assert trained_config(f"--preset {name}") == PRESETS[name]


@pytest.mark.parametrize("name", ["quick", "reference", "best", "5-seconds"])
def test_every_other_option_overrides_the_preset(name, trained_config):
    words = "--epochs 2 --hidden 9,8 --batch-size 77 --optimizer momentum --lr 0.02 --schedule cosine --momentum 0.5 "
    words += "--averaging last --averaged-epochs 1.5 --patience 4 --stop-accuracy 0.985 --keep-best loss "
    words += "--dropout 0.25 --label-smoothing 0.1 --normalization batch --l1 0.001 --l2 0.002 "
    words += "--clip-norm 1.5 --receptive-field-px 9 "
    words += "--plain-epochs 1 --weight-decay 0.01 --activation tanh --seed 7 --validation 0.2 --samples 500 "
    words += (
        "--label-noise 0.1 --shift-px 2 --rotation-deg 3 --scale 0.2 --shear 0.05 --elastic-px 0.5 --thickness-px 0.2 "
        "--elastic-sigma-px 5"
    )
    mine = TrainingConfig(
        hidden=(9, 8),
        activation="tanh",
        optimizer="momentum",
        learning_rate=0.02,
        momentum=0.5,
        weight_decay=0.01,
        batch_size=77,
        epochs=2,
        seed=7,
        validation_share=0.2,
        training_samples=500,
        label_noise=0.1,
        schedule="cosine",
        averaging="last",
        averaged_epochs=1.5,
        patience=4,
        stop_accuracy=0.985,
        keep_best="loss",
        dropout=0.25,
        label_smoothing=0.1,
        normalization="batch",
        l1=0.001,
        l2=0.002,
        clip_norm=1.5,
        receptive_field_px=9,
        augmentation=Augmentation(2, 3, 0.2, 0.05, 0.5, 0.2, 5),
        plain_epochs=1,
    )
    assert trained_config(f"{words} --preset {name}") == mine
    assert trained_config(f"--preset {name} {words}") == mine


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("--epochs 1", {"epochs": 1}),
        ("--epochs 1 --validation 0.1", {"epochs": 1, "validation_share": 0.1}),
        ("--epochs 1 --validation 0", {"epochs": 1, "validation_share": 0}),
        ("--epochs 1 --schedule constant", {"epochs": 1, "schedule": "constant"}),
        ("--epochs 1 --hidden 4", {"epochs": 1, "hidden": (4,)}),
    ],
)
def test_settings_without_an_option_come_from_the_preset(words, changes, trained_config):
    assert trained_config(f"--preset best {words}") == replace(PRESETS["best"], **changes)


@pytest.mark.parametrize("name", MAX_AUGMENTATION)
def test_every_variation_has_an_option(name, trained_config):
    option = f"--{name.replace('_', '-')}"
    most = MAX_AUGMENTATION[name]
    assert trained_config(f"--epochs 1 {option} {most}").augmentation == Augmentation(**{name: most})
    without = replace(PRESETS["best"].augmentation, **{name: 0})
    assert trained_config(f"--preset best --epochs 1 {option} 0").augmentation == without


@pytest.mark.parametrize("words", [["24,12"], ["24", "12"], ["24, 12"]])
def test_layers_can_be_written_in_several_ways(tmp_path, words):
    path = tmp_path / "m.npz"
    assert main(["train", "--epochs", "1", "--batch-size", "2000", "--hidden", *words, "--save", str(path)]) == 0
    assert load_model(path)[0].sizes == (784, 24, 12, 10)


def test_no_hidden_layer_is_softmax_regression(tmp_path):
    path = tmp_path / "m.npz"
    assert main(["train", "--epochs", "1", "--batch-size", "2000", "--hidden", "", "--save", str(path)]) == 0
    assert load_model(path)[0].sizes == (784, 10)


def test_the_same_seed_and_threads_train_the_same_network(tmp_path):
    words = ["train", "--epochs", "1", "--hidden", "16", "--batch-size", "1000", "--seed", "5", "--threads", "1"]
    paths = [tmp_path / "first.npz", tmp_path / "second.npz"]
    for path in paths:
        assert main([*words, "--save", str(path)]) == 0
    (first, meta), (second, _) = map(load_model, paths)
    assert all(np.array_equal(a.data, b.data) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert meta["blas_threads"] == 1


def test_the_file_and_the_terminal_name_the_threads(tmp_path, capsys):
    path = tmp_path / "model.npz"
    main(["train", "--epochs", "1", "--hidden", "16", "--batch-size", "1000", "--save", str(path)])
    threads = load_model(path)[1]["blas_threads"]
    assert threads >= 1
    assert f"with --threads {threads};" in capsys.readouterr().out


@pytest.mark.parametrize("threads", ["0", "-1", "many", "1.5", "100000"])
def test_threads_are_a_sensible_number(threads, capsys):
    with pytest.raises(SystemExit) as exit:
        main(["train", f"--threads={threads}"])
    assert exit.value.code == 2
    assert f"a number from 1 to {os.cpu_count()}, not '{threads}'" in capsys.readouterr().err


def test_evaluate_prints_the_figures_of_train(trained, capsys):
    assert main(["evaluate", str(trained)]) == 0
    meta = load_model(trained)[1]
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"test loss {meta['test_loss']:.4f}, test accuracy {meta['test_accuracy']:.2%}"
    )


@pytest.mark.usefixtures("whole_mnist")
def test_the_pretrained_network_is_good(capsys):
    assert main(["evaluate", PRETRAINED]) == 0
    assert float(capsys.readouterr().out.split()[-1].rstrip("%")) > 97.5


def test_predict_reads_png_and_jpeg(tmp_path, capsys):
    from PIL import Image

    dataset = mnist()
    names = []
    for index in range(10):
        image = Image.fromarray(255 - dataset.test_images[index]).resize((140, 140))
        names.append(tmp_path / f"{index}.{'jpg' if index % 2 else 'png'}")
        image.save(names[-1])
    assert main(["predict", PRETRAINED, *map(str, names)]) == 0
    lines = capsys.readouterr().out.splitlines()
    read = [int(line.rsplit(" ", 2)[1]) for line in lines]
    assert lines[0].startswith(f"{names[0]}: ")
    assert lines[0].endswith("%)")
    assert read == dataset.test_labels[:10].tolist()


def test_predict_continues_after_a_file_that_is_not_a_picture(tmp_path, capsys):
    from PIL import Image

    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("no picture")
    assert main(["predict", PRETRAINED, str(tmp_path / "text.png"), str(tmp_path / "blank.png")]) == 2
    out, err = capsys.readouterr()
    assert out.strip() == f"{tmp_path / 'blank.png'}: no digit"
    assert err.strip() == f"minigrad-gui: {tmp_path / 'text.png'} is not a picture."


@pytest.fixture
def numbers(tmp_path) -> Path:
    """A folder with pictures of numbers, in two lines and in one."""
    from PIL import Image, ImageDraw, ImageFont

    folder = tmp_path / "numbers"
    folder.mkdir()
    for name, lines in (("one.png", ["2026"]), ("two.png", ["58", "307"])):
        sheet = Image.new("L", (640, 260 * len(lines)), 255)
        for row, text in enumerate(lines):
            font = ImageFont.truetype("DejaVuSans.ttf", 150)
            ImageDraw.Draw(sheet).text((320, 260 * row + 130), text, 0, font=font, anchor="mm")
        sheet.save(folder / name)
    return folder


def test_predict_prints_the_number_of_each_picture_in_a_folder(numbers, capsys):
    assert main(["predict", PRETRAINED, str(numbers)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{numbers / 'one.png'}: 2026", f"{numbers / 'two.png'}: 58 307"]


def test_predict_all_prints_a_line_for_each_digit_with_its_box(numbers, capsys):
    assert main(["predict", PRETRAINED, str(numbers / "o*.png"), "--all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    read = [re.fullmatch(r".*one\.png: (\d) \(>?[\d.]+%\) at (\d+),(\d+),(\d+),(\d+)", line) for line in lines]
    assert all(read)
    assert [match[1] for match in read] == ["2", "0", "2", "6"]
    lefts = [int(match[2]) for match in read]
    assert lefts == sorted(lefts)
    assert all(int(match[3]) < 130 < int(match[5]) for match in read)


def test_predict_reports_an_empty_folder_and_continues(numbers, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["predict", PRETRAINED, str(tmp_path / "empty"), str(numbers / "one.png")]) == 2
    out, err = capsys.readouterr()
    assert out.endswith("2026\n")
    assert err.strip() == f"minigrad-gui: {tmp_path / 'empty'} holds no pictures."


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("train --epochs 0", "number of epochs"),
        ("train --hidden 12,x", "“x” is not a whole number of neurons"),
        ("train --hidden 0", "at least one neuron"),
        ("train --hidden 99999999", "parameters are too many"),
        ("train --lr -1", "learning rate"),
        ("train --validation 0.9", "validation share"),
        ("train --preset reference --patience 3", "need validation pictures"),
        ("train --shift-px 4.1", "augmentation's shift_px is from 0 to 4"),
        ("train --preset best --scale -0.1", "augmentation's scale is from 0 to 0.5"),
        ("train --elastic-px nan", "augmentation's elastic_px is from 0 to 3"),
        ("train --elastic-px 1 --elastic-sigma-px 1", "augmentation's elastic_sigma_px is from 2 to 14"),
        ("train --preset reference --epochs 0", "number of epochs"),
        ("train --save /no/such/folder/m.npz", "there is no folder /no/such/folder"),
        ("train --hidden 12,,4", "comma without a number"),
        ("train --orientation mirrored", "say how to read pictures of your own: add --data"),
        ("train --resume run.npz --sizing scaled", "say how to read pictures of your own: add --data"),
        ("train --files alone", "say how to read pictures of your own: add --data"),
        ("evaluate missing.npz --class-names a,b", "say how to read pictures of your own: add --data"),
        ("data own.npz --sheet sheet.jpg", "the sheet is a PNG file: --sheet sheet.png"),
        ("train --save /tmp", "/tmp is a folder"),
        ("trian", "no file and no command “trian”"),
        ("evaluate missing.npz", "missing.npz could not be opened: no such file"),
        ("predict missing.npz x.png", "missing.npz could not be opened: no such file"),
    ],
)
def test_mistakes_are_reported_in_one_line(words, complaint, capsys):
    assert main(words.split()) == 2
    err = capsys.readouterr().err
    assert complaint in err
    assert err.startswith("minigrad-gui: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--preset fastest", "invalid choice: 'fastest'"),
        ("--schedule linear", "invalid choice: 'linear'"),
        ("--shift-px far", "invalid float value: 'far'"),
    ],
)
def test_an_unknown_choice_is_refused(words, complaint, capsys):
    with pytest.raises(SystemExit) as leaving:
        main(["train", *words.split()])
    assert leaving.value.code == 2
    assert complaint in capsys.readouterr().err.splitlines()[-1]


def test_a_network_that_cannot_read_digits_is_refused(tmp_path, capsys):
    save_model(tmp_path / "other.npz", MLP(4, [3], 2))
    assert main(["evaluate", str(tmp_path / "other.npz")]) == 2
    assert "4 inputs and 2 outputs" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="a folder that nobody can write in")
@pytest.mark.parametrize("option", ["save", "checkpoint"])
def test_a_folder_that_cannot_be_written_in_is_told_before_training(option, capsys):
    assert main(["train", f"--{option}", "/proc/m.npz"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert re.search(r"the (network|run) cannot be saved in /proc: [a-z ]+\.$", told.err.splitlines()[-1])


def test_the_result_is_told_even_if_it_cannot_be_saved(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    finish = Runner.finish
    monkeypatch.setattr(Runner, "finish", lambda runner, **options: (folder.rmdir(), finish(runner, **options))[1])
    assert main(["train", "--epochs", "1", "--hidden", "4", "--save", str(folder / "m.npz")]) == 2
    told = capsys.readouterr()
    assert "test accuracy" in told.out
    assert "saved" not in told.out
    assert "could not be saved" in told.err


def test_the_networks_of_a_committee_are_counted(capsys):
    words = ["train", "--hidden", "4", "--samples", "500", "--epochs", "3"]
    assert main([*words, "--members", "2"]) == 0
    told = re.findall(r"^epoch (\d/3)( \(network \d/2\))?:", capsys.readouterr().out, re.MULTILINE)
    assert told == [("1/3", " (network 1/2)"), ("2/3", " (network 2/2)"), ("3/3", " (network 2/2)")]
    assert main(words) == 0
    assert "network" not in capsys.readouterr().out


def test_the_epoch_that_is_kept_is_told(capsys):
    words = ["train", "--epochs", "2", "--hidden", "4", "--validation", "0.1", "--keep-best"]
    assert main([*words, "accuracy"]) == 0
    assert re.search(r"^the network is that of epoch [12]$", capsys.readouterr().out, re.MULTILINE)
    assert main([*words, "none"]) == 0
    assert "that of epoch" not in capsys.readouterr().out


def test_divergence_is_reported_with_advice(capsys):
    assert main(["train", "--epochs", "5", "--hidden", "64,64", "--optimizer", "sgd", "--lr", "1000"]) == 2
    assert "Try a learning rate of 0.1." in capsys.readouterr().err, "not 100, a tenth of what was too much"


def test_export_writes_a_network_for_another_program(tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["export", PRETRAINED, str(page)]) == 0
    assert capsys.readouterr().out == f"saved {page}\n"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_an_export_that_fails_is_told_in_one_line(tmp_path, capsys):
    assert main(["export", PRETRAINED, str(tmp_path / "network.docx")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_import_makes_a_model_file_of_another_programs_network(tmp_path, trained, capsys):
    assert main(["export", str(trained), str(tmp_path / "network.json")]) == 0
    assert main(["import", str(tmp_path / "network.json"), str(tmp_path / "back")]) == 0
    assert capsys.readouterr().out.endswith(f"saved {tmp_path / 'back.npz'}\n")
    assert load_model(tmp_path / "back.npz")[1] == load_model(trained)[1]


def test_import_tells_what_was_measured(tmp_path, capsys):
    network = tmp_path / "model.npz"
    assert main(["train", "--epochs", "4", "--hidden", "40", "--batch-size", "50", "--save", str(network)]) == 0
    capsys.readouterr()
    model, _ = load_model(network)
    arrays = [array for layer in model.layers for array in (layer.W.data, layer.b.data)]
    names = [f"{index}.{kind}" for index in range(2) for kind in ("weight", "bias")]
    code = b"".join(pickled(name) + tensor(str(at), arrays[at]) for at, name in enumerate(names))
    (tmp_path / "network.pt").write_bytes(pt_bytes(b"}(" + code + b"u", [np.ascontiguousarray(a) for a in arrays]))
    assert main(["import", str(tmp_path / "network.pt"), str(tmp_path / "back")]) == 0
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first == "PyTorch, 784-40-10; expects pictures from 0 to 1"
    accuracy = evaluate(
        model, mnist().test_images[-measuring.CALIBRATED :], mnist().test_labels[-measuring.CALIBRATED :]
    )[1]
    assert accuracy > 0.8
    assert second == f"test accuracy {accuracy:.2%}"


def test_a_config_file_sets_what_options_do_not(tmp_path, trained_config):
    exchange.write_config(tmp_path / "run.toml", TrainingConfig(hidden=(8,), epochs=2, optimizer="sgd"))
    config = trained_config(f"--config {tmp_path / 'run.toml'} --epochs 1")
    assert (config.hidden, config.epochs, config.optimizer) == ((8,), 1, "sgd")


@pytest.mark.parametrize("words", ["--help", "train --help", "evaluate --help", "predict --help", "runs --help"])
def test_help_explains_the_commands(words, capsys):
    with pytest.raises(SystemExit) as leaving:
        main(words.split())
    assert leaving.value.code == 0
    assert len(capsys.readouterr().out) > 250


def test_the_help_of_train_names_every_default(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    out = " ".join(capsys.readouterr().out.split())
    assert "SUPPRESS" not in out
    for default in ("256,128", "relu", "adam", "0.0005", "0.9", "128", "10", "0.1", "constant"):
        assert out.count(f"(default: {default})") == 1
    assert "(default: mnist; the preset best: mnist+pen)" in out
    assert out.count("(default: 0)") == 5
    assert out.count("(default: 0.0)") == 8 + len(MAX_AUGMENTATION)
    assert f"--preset {{{','.join(PRESETS)}}}" in out
    assert f"--schedule {{{','.join(SCHEDULES)}}}" in out
    for name, most in MAX_AUGMENTATION.items():
        assert f"--{name.replace('_', '-')} MOST from 0 to {most:g} (default: 0.0)" in out
        assert f"{name}: " in out
    assert "--elastic-sigma-px SIGMA from 2 to 14 (default: 4.0)" in out


def test_commands_show_no_warning_without_a_reason():
    with pytest.raises(SystemExit):
        main(["--version"])
    warnings.warn("divide by zero encountered in matmul", RuntimeWarning, stacklevel=1)


def test_the_help_names_the_version_option(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "--version" in capsys.readouterr().out


def test_training_needs_no_qt():
    code = "import sys; from minigrad_gui.cli import main;"
    code += "main(['train', '--samples', '500', '--epochs', '1', '--hidden', '4']);"
    code += "assert not [name for name in sys.modules if name.startswith(('PySide6', 'pyqtgraph', 'datasets'))]"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_a_run_that_learns_nothing_gets_a_diagnosis(capsys):
    words = "train --epochs 1 --hidden 16 --batch-size 1000 --optimizer sgd --lr 0.000001 --threads 1"
    assert main(words.split()) == 0
    told = capsys.readouterr().out
    assert "The loss was flat from the start: the network is no better than guessing." in told
    assert "Try a learning rate of 0.1." in told


@pytest.mark.usefixtures("whole_mnist")
def test_a_run_that_learns_well_gets_no_diagnosis(capsys):
    assert main(["train", "--epochs", "2", "--hidden", "32", "--threads", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("trained in")


@pytest.fixture
def own_file(tmp_path):
    """400 of MNIST's digits as somebody may have them: lying, dark on light, and labelled from 1."""
    digits = mnist()
    images, labels = 255 - digits.train_images[:400].swapaxes(1, 2), digits.train_labels[:400].astype(int) + 1
    np.savez(tmp_path / "own.npz", x=images, y=labels)
    return str(tmp_path / "own.npz")


def test_data_tells_what_a_file_holds(own_file, tmp_path, capsys):
    assert main(["data", own_file, "--sheet", str(tmp_path / "sheet.png")]) == 0
    out = capsys.readouterr().out
    assert "own.npz: 344 pictures to train on, 56 to test on" in out
    assert "orientation: transposed; polarity: dark ink\nlabels: from one" in out
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_a_network_is_trained_evaluated_and_resumed_on_own_data(own_file, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = "train --data own.npz --epochs 1 --hidden 16 --batch-size 20 --save m.npz --checkpoint c.npz --threads 1"
    assert main(words.split()) == 0
    assert main(["evaluate", PRETRAINED, "--data", own_file]) == 0
    assert float(re.findall(r"accuracy ([\d.]+)%", capsys.readouterr().out)[-1]) > 90
    assert load_model(tmp_path / "m.npz")[1]["dataset"] == own_file
    monkeypatch.chdir("/")
    assert main(["train", "--resume", str(tmp_path / "c.npz")]) == 0


def test_how_own_data_was_read_is_remembered_by_a_run_even_if_it_moves(own_file, tmp_path, monkeypatch):
    run, model, moved = (str(tmp_path / name) for name in ("c.npz", "m.npz", "moved.npz"))
    chosen = data.Choices(orientation="mirrored")
    read, load = [], data.load
    monkeypatch.setattr(data, "load", lambda source, *rest: read.append((source, rest[0])) or load(source, *rest))
    words = ["--epochs", "1", "--hidden", "8", "--threads", "1", "--checkpoint", run]
    assert main(["train", "--data", own_file, "--orientation", "mirrored", *words]) == 0
    Path(own_file).rename(moved)
    assert main(["train", "--resume", run, "--data", moved, "--save", model]) == 0
    assert read == [(own_file, chosen), (moved, chosen)]
    record = TrainingRecord.from_meta(load_model(model)[1])
    assert (record.dataset, record.dataset_choices) == (moved, chosen.to_dict())


def test_letters_are_trained_on_and_evaluated(tmp_path, capsys):
    digits = mnist()
    names = np.array(list("abcdefghijkl"))[np.arange(300) % 12]
    np.savez(tmp_path / "letters.npz", x=digits.train_images[:300], y=names)
    path = str(tmp_path / "letters.npz")
    words = ["train", "--data", path, "--epochs", "1", "--hidden", "8", "--save", str(tmp_path / "m.npz")]
    assert main(words) == 0
    model, meta = load_model(tmp_path / "m.npz")
    assert model.sizes == (784, 8, 12)
    assert TrainingRecord.from_meta(meta).class_names == tuple("abcdefghijkl")
    assert main(["evaluate", str(tmp_path / "m.npz"), "--data", path]) == 0
    assert main(["evaluate", PRETRAINED, "--data", path]) == 2
    assert "tells 10 classes apart, but the data has 12" in capsys.readouterr().err
    renamed = ["--data", path, "--class-names", ",".join("ABCDEFGHIJKL")]
    assert main(["evaluate", str(tmp_path / "m.npz"), *renamed]) == 2
    assert "the network knows other classes (a, b, c" in capsys.readouterr().err


def test_some_of_a_networks_digits_are_evaluated(tmp_path, capsys):
    digits = mnist()
    some = np.flatnonzero(np.isin(digits.test_labels[:600], (3, 5, 8)))
    np.savez(tmp_path / "some.npz", x=digits.test_images[some], y=digits.test_labels[some])
    assert main(["evaluate", PRETRAINED, "--data", str(tmp_path / "some.npz")]) == 0
    assert float(re.findall(r"accuracy ([\d.]+)%", capsys.readouterr().out)[-1]) > 90


@pytest.mark.parametrize("command", [["data"], ["train", "--data"], ["evaluate", PRETRAINED, "--data"]])
def test_missing_data_is_told_in_one_line(command, capsys):
    assert main([*command, "/no/such/file"]) == 2
    assert capsys.readouterr().err == "minigrad-gui: There is no file or folder /no/such/file.\n"


def test_pixels_that_no_neuron_will_see_are_told(capsys):
    words = "train --epochs 1 --samples 500 --hidden 16 --receptive-field-px"
    assert main([*words.split(), "5"]) == 0
    assert "No neuron will see 384 pixels of the picture." in capsys.readouterr().err
    assert main([*words.split(), "14"]) == 0
    assert "No neuron" not in capsys.readouterr().err


def test_variations_that_plain_epochs_leave_no_time_for_are_told(capsys):
    words = "train --epochs 2 --hidden 4 --shear 0.1 --plain-epochs"
    assert main([*words.split(), "2"]) == 0
    assert "no picture will vary, because the last 2 epochs are plain" in capsys.readouterr().err
    assert main([*words.split(), "1"]) == 0
    assert "no picture will vary" not in capsys.readouterr().err
