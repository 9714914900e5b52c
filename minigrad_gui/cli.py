"""The command line: `minigrad-gui` opens the window; all commands work without one.

Qt is imported only for the window. Mistakes of the user are reported in one line on stderr, with exit status 2.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from engine import (
    Augmentation,
    ConfigError,
    ModelFileError,
    TrainingConfig,
    evaluate,
    load_model,
    save_model,
)
from engine.archive import npz_path, printable, reason_of
from engine.averaging import AVERAGES
from engine.config import ELASTIC_SIGMA_PX, KEEP_BEST, MAX_AUGMENTATION
from engine.nn import ACTIVATIONS
from engine.normalization import NORMALIZATIONS
from engine.optim import OPTIMIZERS
from engine.record import TrainingRecord
from engine.schedules import SCHEDULES
from minigrad_gui import app, data, exchange, process
from minigrad_gui.data.choices import FILES, LABELS, ORIENTATIONS, POLARITIES, SIZINGS
from minigrad_gui.data_report import describe, write_sheet
from minigrad_gui.folders import data_folder
from minigrad_gui.headless import StoppedError, UsageError, complain, measured, resume, train
from minigrad_gui.layer_sizes import parse_hidden
from minigrad_gui.pictures import PictureError, pictures_in, read_image
from minigrad_gui.presets import PRESETS, dataset_of
from minigrad_gui.reader import Prediction, ReadDigit, Reader, load_network, written_number
from minigrad_gui.records import names_of_classes, recorded_dataset
from minigrad_gui.runs import RunsError, RunStore, arrange
from minigrad_gui.runs_report import COLUMNS, run_lines, write_runs
from minigrad_gui.version import version
from minigrad_gui.wording import percentage

COMMANDS = ("train", "evaluate", "predict", "data", "export", "import", "runs")
DEFAULTS = TrainingConfig()
"""The defaults of the window, and of `train` without a preset."""

DESCRIPTION = """\
A laboratory for neural networks. With no command it opens the window, with a model file if one is given.

  minigrad-gui                            open the window
  minigrad-gui my-digits.npz              open the window with this network
  minigrad-gui train --save my-digits.npz train a network on MNIST, without a window
  minigrad-gui train --data my-folder/    train one on pictures of your own
  minigrad-gui data my-folder/            what a folder or a file of pictures holds
  minigrad-gui evaluate my-digits.npz     how well it reads the 10,000 test digits
  minigrad-gui predict my-digits.npz photo.jpg scans/
                                          what it reads in pictures, one digit or many
  minigrad-gui export my-digits.npz page.html
                                          the network in a format for other programs
  minigrad-gui import model.onnx my-digits.npz
                                          a network from another program
  minigrad-gui runs                       every run so far, in the window or without it
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _print_anything()
    process.hide_false_warnings()
    try:
        status = _run(given)
        sys.stdout.flush()
        return status
    except (UsageError, ModelFileError, ConfigError, RunsError, data.DataError, exchange.ExchangeError) as error:
        complain(error)
        return 2
    except MemoryError:
        complain("there is not enough memory; try smaller layers or batches.")
        return 2
    except StoppedError as stopped:
        complain(stopped)
        return stopped.status
    except KeyboardInterrupt:
        complain("stopped.")
        return 130
    except OSError as error:
        if error.filename is not None:  # not of the output
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # where the end of the program writes the rest
        if not isinstance(error, BrokenPipeError):  # else its reader has read enough
            complain(f"the output could not be written: {reason_of(error)}.")
        return 1


def _run(given: Sequence[str]) -> int:
    if given and given[0] in COMMANDS:
        options = _commands().parse_args(given)
        return int(options.run(options))
    return app.run(_window_parser().parse_args(given).model)


def _print_anything() -> None:
    """Write characters missing from the terminal's encoding as \\u2026 or \\xff, instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


# ---------------------------------------------------------------- arguments


class _PrintVersion(argparse.Action):
    """Like argparse's "version", but the version is looked up only when needed."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        print(f"minigrad {version()}")
        parser.exit()


def _window_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="minigrad-gui",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Each command explains itself: minigrad-gui train --help",
    )
    parser.add_argument("model", nargs="?", type=Path, metavar="MODEL.npz", help="a network to open in the window")
    parser.add_argument("--version", action=_PrintVersion, nargs=0, help="print the version and exit")
    return parser


def _commands() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="minigrad-gui")
    commands = parser.add_subparsers(required=True)
    _add_train(commands)
    test = commands.add_parser(
        "evaluate",
        help="test a network",
        description="Print the loss and accuracy of a network on MNIST's 10,000 test digits, on which none is trained, "
        "or on the test pictures of its own data if it tells other classes apart.",
    )
    test.add_argument("model", type=Path, metavar="MODEL", help="an .npz file written by the window or by train")
    _add_data(test)
    test.set_defaults(run=_evaluate)
    read = commands.add_parser(
        "predict",
        help="read pictures",
        description="Print the digit or the number that a network sees in each picture, dark on light or light on "
        "dark, and how sure it is of a single digit. “?” stands for a digit that it does not recognise.",
    )
    read.add_argument("model", type=Path, metavar="MODEL", help="an .npz file written by the window or by train")
    kinds = (
        "a PNG, JPEG, BMP, WebP, TIFF, GIF, AVIF or PPM file, a folder of them, or a wildcard; HEIC with pillow-heif"
    )
    read.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help=kinds)
    each = "print a line for each digit, with its box: left, top, right and bottom in pixels"
    read.add_argument("--all", action="store_true", help=each)
    read.set_defaults(run=_predict)
    show = commands.add_parser(
        "data",
        help="describe a dataset",
        description="Tell what a dataset is, how many pictures each class has, and what was guessed about it: look at "
        "the sheet before you train. SOURCE is a file or folder in any of many formats, or a name on the hub.",
    )
    _add_data(show, required=True)
    show.add_argument("--sheet", type=Path, metavar="FILE", help="write some pictures of each class to this PNG file")
    show.set_defaults(run=_show_data)
    kinds = "; ".join(f"{suffix}: {export.name}" for suffix, export in exchange.EXPORTS.items())
    out = commands.add_parser(
        "export",
        help="write a network for other programs",
        description=f"Write a network in the format of another program, with how pictures are prepared and how far "
        f"an answer can be trusted. The suffix of FILE decides. {kinds}.",
    )
    out.add_argument("model", type=Path, metavar="MODEL", help="an .npz file written by the window or by train")
    out.add_argument("file", type=Path, metavar="FILE", help="the file to write; an older one is replaced")
    out.set_defaults(run=_export)
    back = commands.add_parser(
        "import",
        help="read a network of another program",
        description="Make a model file of another program's network: ONNX, safetensors, a PyTorch state dict, Keras, "
        "TensorFlow.js, scikit-learn (skops), or JSON that minigrad wrote. It must be an MLP of 28 x 28 inputs. What "
        "it expects of pictures is measured.",
    )
    back.add_argument("file", type=Path, metavar="FILE", help="the file to read; no code in it is run")
    back.add_argument("model", type=Path, metavar="MODEL", help="the .npz file to write")
    inputs = "what it expects of pictures, if that is known: " + "; ".join(exchange.INPUTS)
    back.add_argument("--input", choices=exchange.INPUTS, metavar="INPUT", help=inputs)
    back.set_defaults(run=_import)
    _add_runs(commands)
    return parser


def _add_runs(commands: Any) -> None:
    runs = commands.add_parser(
        "runs",
        help="list the runs",
        description="List every run of the window and of train, or those that contain all WORDs in their name, note, "
        "data or settings, such as seed=3 or adam, with the figures of the last epoch, the best validation accuracy "
        "and the test accuracy.",
    )
    runs.add_argument("words", nargs="*", metavar="WORD", help="list only runs that contain all words")
    order = "what to sort by, the largest first (default: began)"
    runs.add_argument("--sort", choices=list(COLUMNS), default="began", metavar="COLUMN", help=order)
    runs.add_argument("--reverse", action="store_true", help="the smallest first")
    file = "write the runs to this .csv file, or with all their settings and epochs to this .json file"
    runs.add_argument("--save", type=Path, metavar="FILE", help=file)
    runs.set_defaults(run=_list_runs)


def _add_data(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """The arguments that name a dataset and replace guesses about it."""
    text = "pictures of your own: a file, a folder, or owner/name on the Hugging Face hub"
    if required:
        parser.add_argument("data", metavar="SOURCE", help=text)
    else:
        parser.add_argument("--data", metavar="SOURCE", help=text)
    group = parser.add_argument_group("what the data does not say", "Each is guessed unless it is given.")
    group.add_argument("--orientation", choices=list(ORIENTATIONS), help="how the pictures lie")
    group.add_argument("--polarity", choices=POLARITIES, help="whether ink is lighter or darker than paper")
    group.add_argument("--labels", choices=LABELS, help="what labels from 1 to 10 mean")
    group.add_argument("--sizing", choices=SIZINGS, help="how pictures of other sizes become 28 x 28")
    group.add_argument("--files", choices=FILES, help="which files beside a file are read with it")
    group.add_argument(
        "--class-names", metavar="NAMES", help="names of the classes in their order, separated by commas"
    )


def _add_train(commands: Any) -> None:
    parser = commands.add_parser(
        "train",
        help="train a network",
        description="Train a network on MNIST's 60,000 training digits and test it on the other 10,000. "
        "The defaults below are those without --preset.",
    )
    varied = parser.add_argument_group("variation of the training pictures", Augmentation.__doc__)
    defaults = {**vars(DEFAULTS), **vars(DEFAULTS.augmentation), "hidden": ",".join(map(str, DEFAULTS.hidden))}

    def add(name: str, field: str, help: str, group: Any = parser, **options: Any) -> None:  # noqa: A002
        text = f"{help} (default: {defaults[field]})"
        group.add_argument(name, dest=field, default=argparse.SUPPRESS, help=text, **options)

    preset = "settings to begin with, for the other options to change: quick is good after seconds, reference is the "
    preset += "classic exercise, best reads drawn digits best, after minutes; the others read MNIST well "
    preset += "after so long on two cores, or with few parameters"
    begins = parser.add_mutually_exclusive_group()
    begins.add_argument("--preset", choices=list(PRESETS), help=preset)
    begins.add_argument("--config", type=Path, metavar="FILE.toml", help="settings to begin with, from a file")
    add("--epochs", "epochs", "how many times to go through the pictures", type=int, metavar="N")
    add("--hidden", "hidden", 'hidden layers, such as 256,128; "" for none', nargs="+", metavar="SIZES")
    window = "pixels that each neuron of the first hidden layer sees of the picture, across and down; 0: all of it"
    add("--receptive-field-px", "receptive_field_px", window, type=int, metavar="PX")
    add("--batch-size", "batch_size", "pictures to each step", type=int, metavar="N")
    add("--optimizer", "optimizer", "how a gradient becomes a step", choices=list(OPTIMIZERS))
    add("--lr", "learning_rate", "learning rate: how large a step is", type=float, metavar="RATE")
    add("--schedule", "schedule", "how the learning rate changes during the run", choices=list(SCHEDULES))
    add("--momentum", "momentum", "for the momentum optimizer", type=float, metavar="M")
    add("--weight-decay", "weight_decay", "how much all weights shrink at each step", type=float, metavar="D")
    dropped = "probability with which an output of a hidden layer is dropped in training, from 0 to 0.9"
    add("--dropout", "dropout", dropped, type=float, metavar="P")
    smoothed = "share of each label that is divided among all classes, from 0 to 0.9"
    add("--label-smoothing", "label_smoothing", smoothed, type=float, metavar="SHARE")
    evened = "shift and scale each hidden neuron's weighted sum to mean 0 and variance 1 over each mini-batch"
    add("--normalization", "normalization", evened, choices=NORMALIZATIONS)
    add("--l1", "l1", "penalty on the absolute weights; 0: none", type=float, metavar="FACTOR")
    add("--l2", "l2", "penalty on half of the squared weights; 0: none", type=float, metavar="FACTOR")
    clipped = "shorten the gradients of a step if their common norm is larger than this; 0: never"
    add("--clip-norm", "clip_norm", clipped, type=float, metavar="NORM")
    waits = (
        "stop after so many epochs without a better validation loss, or accuracy with --keep-best accuracy; 0: never"
    )
    add("--patience", "patience", waits, type=int, metavar="N")
    enough = "stop after the first epoch with this validation accuracy, such as 0.98; 0: never"
    add("--stop-accuracy", "stop_accuracy", enough, type=float, metavar="SHARE")
    kept = "end with the network of the epoch with the best validation loss or accuracy, instead of the last one"
    add("--keep-best", "keep_best", kept, choices=KEEP_BEST)
    average = "use an average of the weights: a moving one (ema), or that of the last part of the run"
    add("--averaging", "averaging", average, choices=AVERAGES)
    add("--averaged-epochs", "averaged_epochs", "how many epochs the average covers", type=float, metavar="N")
    several = "train so many networks one after the other, each for its share of the epochs, and use the mean of their "
    several += "logits: a committee"
    add("--members", "members", several, type=int, metavar="N")
    plain = "how many of the last epochs learn from the pictures as they are, without variations"
    add("--plain-epochs", "plain_epochs", plain, type=int, metavar="N")
    add("--activation", "activation", "what a neuron does with its sum", choices=list(ACTIVATIONS))
    add("--seed", "seed", "the same seed and threads give the same network", type=int, metavar="N")
    held_back = "share of the training pictures to hold back and measure after each epoch, from 0 to 0.5"
    add("--validation", "validation_share", held_back, type=float, metavar="SHARE")
    fewer = "how many of the training pictures to learn from, each class in proportion; 0 means all"
    add("--samples", "training_samples", fewer, type=int, metavar="N")
    wrong = "share of the training pictures that get a wrong label, as an experiment, from 0 to 1"
    add("--label-noise", "label_noise", wrong, type=float, metavar="SHARE")
    source = "the pictures to learn from (default: mnist; the preset best: mnist+pen)"
    parser.add_argument("--dataset", choices=list(data.SOURCES), help=source)
    _add_data(parser)
    threads = "threads for the products of matrices (default: as many as prove fastest)"
    parser.add_argument("--threads", type=_thread_count, metavar="N", help=threads)
    parser.add_argument("--save", type=Path, metavar="PATH", help="write the trained network to this .npz file")
    for field in fields(Augmentation):
        least, most = (0.0, MAX_AUGMENTATION[field.name]) if field.name in MAX_AUGMENTATION else ELASTIC_SIGMA_PX
        limits, metavar = f"from {least:g} to {most:g}", "SIGMA" if least else "MOST"
        add(f"--{field.name.replace('_', '-')}", field.name, limits, varied, type=float, metavar=metavar)
    checkpoint = "save the run to this file after each epoch and every 30 seconds, so that it can be resumed"
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help=checkpoint)
    resumed = "resume the run in this file, to the same network as without the interruption; its settings "
    resumed += "are those of the run, and it is saved to the file again"
    parser.add_argument("--resume", type=Path, metavar="FILE", help=resumed)
    parser.set_defaults(run=_train)


def _thread_count(text: str) -> int:
    most = os.cpu_count() or 1  # more threads than processors wait for each other: a hundred times slower
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"a number from 1 to {most}, not {text!r}")
    return int(text)


# ---------------------------------------------------------------- what the commands do


def _train(options: argparse.Namespace) -> int:
    given = vars(options)
    settings = {field.name: given[field.name] for field in fields(TrainingConfig) if field.name in given}
    variation = {field.name: given[field.name] for field in fields(Augmentation) if field.name in given}
    runs_with: dict[str, Any] = {name: given[name] for name in ("threads", "save", "checkpoint")}
    if options.data is not None and options.dataset is not None:
        raise UsageError("--data and --dataset name different data; use one of them.")
    choices = _choices(options)
    own = None if options.data is None else data.source_key(options.data)
    if own is not None:
        runs_with["choices"] = choices
    if options.resume is not None:
        if settings or variation or options.preset or options.config or options.dataset:
            others = "--save, --checkpoint, --threads and --data"
            raise UsageError(f"--resume uses the settings of its run; only {others} can be added.")
        resume(options.resume, source=own, **runs_with)
        return 0
    if "hidden" in settings:
        settings["hidden"] = parse_hidden(" ".join(settings["hidden"]))
    start = PRESETS[options.preset] if options.preset else DEFAULTS
    if options.config is not None:
        start = exchange.read_config(options.config)
    config = replace(start, **settings, augmentation=replace(start.augmentation, **variation))
    judges = config.patience or config.stop_accuracy or config.keep_best != "none"
    if judges and not config.validation_share:
        raise UsageError("--patience, --stop-accuracy and --keep-best need validation pictures: add --validation 0.1.")
    train(config, own or options.dataset or dataset_of(options.preset or "quick", "mnist"), **runs_with)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    dataset = _own_data(options)
    if dataset is None:
        model, record = load_network(options.model)
        trained_on = recorded_dataset(record) if record.class_names else None
        dataset = data.load(*trained_on) if trained_on is not None else data.load(data.MNIST)
    else:
        model, meta = load_model(options.model)
        record = TrainingRecord.from_meta(meta)
    known, labels = record.class_names, dataset.test_labels
    names = names_of_classes(record, model.sizes[-1])
    if set(dataset.class_names) < set(names):  # some of the network's classes, which their names tell
        labels = np.array([names.index(name) for name in dataset.class_names], np.uint8)[labels]
        dataset = replace(dataset, class_names=names)
    if known and known != dataset.class_names:
        raise UsageError(f"the network knows other classes ({', '.join(known)}) than the data.")
    if (inputs := model.sizes[0]) != dataset.test_images[0].size:
        raise UsageError(f"the network expects {inputs} inputs, but the pictures have {dataset.test_images[0].size}.")
    if (outputs := model.sizes[-1]) != (classes := len(dataset.class_names)):
        raise UsageError(f"the network tells {outputs} classes apart, but the data has {classes}.")
    print(measured("test", *evaluate(model, dataset.test_images, labels)))
    return 0


def _own_data(options: argparse.Namespace) -> data.Dataset | None:
    """The dataset of --data, with the choices that were given."""
    choices = _choices(options)
    return None if options.data is None else data.open_dataset(options.data, choices)


def _choices(options: argparse.Namespace) -> data.Choices:
    names = tuple(name.strip() for name in options.class_names.split(",")) if options.class_names else None
    guessed = options.orientation, options.polarity, options.labels, options.sizing
    choices = data.Choices(*guessed, names, options.files)
    if options.data is None and choices != data.Choices():
        options_of_own = "--orientation, --polarity, --labels, --sizing, --files and --class-names"
        raise UsageError(f"{options_of_own} say how to read pictures of your own: add --data SOURCE.")
    return choices


def _show_data(options: argparse.Namespace) -> int:
    if options.sheet is not None and options.sheet.suffix.lower() not in ("", ".png"):
        raise UsageError(f"the sheet is a PNG file: --sheet {options.sheet.with_suffix('.png')}.")
    dataset = _own_data(options)
    assert dataset is not None
    for line in describe(dataset):
        print(printable(line))
    if options.sheet is not None:
        try:
            write_sheet(dataset, options.sheet)
        except OSError as error:
            raise UsageError(f"{options.sheet} could not be written: {reason_of(error)}.") from error
        print(printable(f"saved {options.sheet}"))
    return 0


def _list_runs(options: argparse.Namespace) -> int:
    store = RunStore(data_folder(), complain)
    found = arrange(store.runs(), " ".join(options.words), COLUMNS[options.sort], descending=not options.reverse)
    if options.save is None:
        for line in run_lines(found):
            print(printable(line))
        return 0
    try:
        write_runs(options.save, found, store.curve)
    except OSError as error:
        raise UsageError(f"{options.save} could not be written: {reason_of(error)}.") from error
    print(printable(f"saved {options.save}"))
    return 0


def _predict(options: argparse.Namespace) -> int:
    model, record = load_network(options.model)
    reader = Reader(model, record.calibration, names_of_classes(record, model.sizes[-1]))
    status = 0
    for path in _pictures(options.images):
        try:
            if isinstance(path, PictureError):
                raise path
            digits = reader.read_picture(read_image(path))
        except (PictureError, MemoryError) as error:
            complain(error if isinstance(error, PictureError) else f"{path} needs more memory than there is.")
            status = 2
            continue
        for line in _each_answer(digits) if options.all else [_answer(digits)]:
            print(f"{printable(path)}: {line}")
    return status


def _export(options: argparse.Namespace) -> int:
    exchange.export_model(options.file, *load_model(options.model))
    print(printable(f"saved {options.file}"))
    return 0


def _import(options: argparse.Namespace) -> int:
    target = npz_path(options.model)
    model, meta = exchange.import_model(options.file, options.input)
    save_model(target, model, meta)
    found, accuracy = meta.get("imported"), meta.get("test_accuracy")
    if found is not None:
        print(f"{found['format']}, {'-'.join(map(str, model.sizes))}; expects pictures {found['input']}")
        print("it reads no digits, so nothing was measured" if accuracy is None else f"test accuracy {accuracy:.2%}")
    print(printable(f"saved {target}"))
    return 0


def _pictures(given: Sequence[Path]) -> Iterator[Path | PictureError]:
    """The files that paths, folders and wildcards match; the error for each that matches none."""
    for path in given:
        try:
            yield from pictures_in(path)
        except PictureError as error:
            yield error


def _answer(digits: Sequence[ReadDigit]) -> str:
    """What a picture shows, in one line."""
    if not digits:
        return "no digit"
    return _single_answer(digits[0].prediction) if len(digits) == 1 else written_number(digits)


def _each_answer(digits: Sequence[ReadDigit]) -> list[str]:
    """A line for each digit, with its box."""
    lines = [f"{_single_answer(digit.prediction)} at {','.join(map(str, digit.box))}" for digit in digits]
    return lines or ["no digit"]


def _single_answer(prediction: Prediction | None) -> str:
    if prediction is None:
        return "no answer, the network's weights are too large"
    doubt = "" if prediction.recognised else "not recognised, closest match "
    return f"{doubt}{prediction.name} ({percentage(prediction.probabilities.max())})"
