"""The command line: `minigrad-gui` opens the window; `train`, `evaluate` and `predict` do without one.

Qt is imported for the window alone. What the person got wrong is said in one line on stderr, with exit status 2.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from engine import (
    ConfigError,
    ModelFileError,
    TrainingConfig,
    evaluate,
    load_model,
    predict,
    save_model,
)
from engine.nn import ACTIVATIONS, MLP
from engine.optim import OPTIMIZERS
from engine.training import DIVERGED, EpochSummary, TrainingRun, describe_run, parse_hidden
from minigrad_gui import data, digits
from minigrad_gui.threads import fastest_blas_threads

LIBRARIES = (
    "libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 "
    "libxcb-keysyms1 libxcb-randr0 libxcb-shape0 libxcb-xfixes0 fonts-dejavu-core"
)
LIBRARIES_HINT = f"on Debian or Ubuntu: sudo apt install {LIBRARIES}"
COMMANDS = ("train", "evaluate", "predict")

DESCRIPTION = """\
A laboratory for neural networks. With no command it opens the window, with a model file if one is given.

  minigrad-gui                            open the window
  minigrad-gui my-digits.npz              open the window with this network
  minigrad-gui train --save my-digits.npz train a network on MNIST, without a window
  minigrad-gui evaluate my-digits.npz     how well it reads the 10,000 test digits
  minigrad-gui predict my-digits.npz photo.jpg scan.png
                                          what it reads in pictures
"""


class UsageError(Exception):
    """Something the person can mend; the message is one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given and given[0] in COMMANDS:
            options = _commands().parse_args(given)
            return int(options.run(options))
        return _window(_window_parser().parse_args(given).model)
    except (UsageError, ModelFileError, ConfigError, data.DataError) as error:
        print(f"minigrad-gui: {error}", file=sys.stderr)
        return 2
    except MemoryError:
        print("minigrad-gui: there is not enough memory; try smaller layers or batches.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("minigrad-gui: stopped; nothing was saved.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


# ---------------------------------------------------------------- what can be said


def _window_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="minigrad-gui",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Each command explains itself: minigrad-gui train --help",
    )
    parser.add_argument("model", nargs="?", type=Path, metavar="MODEL.npz", help="a network to open in the window")
    return parser


def _commands() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="minigrad-gui")
    commands = parser.add_subparsers(required=True)
    _add_train(commands)
    test = commands.add_parser(
        "evaluate",
        help="test a network",
        description="Print the loss and accuracy of a network on MNIST's 10,000 test digits, on which none is trained.",
    )
    test.add_argument("model", type=Path, metavar="MODEL", help="an .npz file written by the window or by train")
    test.set_defaults(run=_evaluate)
    read = commands.add_parser(
        "predict",
        help="read pictures",
        description="Print the digit that a network sees in each picture, and how sure it is. A picture shows one "
        "digit, dark on light or light on dark; it is cropped, scaled and centred as MNIST's digits were.",
    )
    read.add_argument("model", type=Path, metavar="MODEL", help="an .npz file written by the window or by train")
    read.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="a PNG or JPEG file")
    read.set_defaults(run=_predict)
    return parser


def _add_train(commands: Any) -> None:
    defaults = TrainingConfig()
    parser = commands.add_parser(
        "train",
        help="train a network",
        description="Train a network on MNIST's 60,000 training digits and test it on the other 10,000.",
    )

    def add(name: str, default: Any, help: str, **options: Any) -> None:  # noqa: A002
        parser.add_argument(name, default=default, help=f"{help} (default: %(default)s)", **options)

    sizes = ",".join(map(str, defaults.hidden))
    add("--epochs", defaults.epochs, "how many times to go through the digits", type=int, metavar="N")
    add("--hidden", [sizes], 'hidden layers, such as 256,128; "" for none', nargs="+", metavar="SIZES")
    add("--batch-size", defaults.batch_size, "digits to each step", type=int, metavar="N")
    add("--optimizer", defaults.optimizer, "how a gradient becomes a step", choices=list(OPTIMIZERS))
    add("--lr", defaults.learning_rate, "learning rate: how large a step is", type=float, metavar="RATE")
    add("--momentum", defaults.momentum, "for the momentum optimizer", type=float, metavar="M")
    add(
        "--weight-decay",
        defaults.weight_decay,
        "how much all weights shrink at each step",
        type=float,
        metavar="D",
    )
    add("--activation", defaults.activation, "what a neuron does with its sum", choices=list(ACTIVATIONS))
    add("--seed", defaults.seed, "the same seed and threads give the same network", type=int, metavar="N")
    held_back = "share of the training digits to hold back and measure after each epoch"
    add("--validation", 0.0, held_back, type=float, metavar="SHARE")
    add("--dataset", "mnist", "the bundled digits, or Hugging Face's copy", choices=list(data.SOURCES))
    threads = "threads for the products of matrices (default: as many as prove fastest)"
    parser.add_argument("--threads", type=_thread_count, metavar="N", help=threads)
    parser.add_argument("--save", type=Path, metavar="PATH", help="write the trained network to this .npz file")
    parser.set_defaults(run=_train)


def _thread_count(text: str) -> int:
    most = os.cpu_count() or 1  # more than there are processors wait for one another: a hundred times as slow
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"a number from 1 to {most}, not {text!r}")
    return int(text)


# ---------------------------------------------------------------- train, evaluate, predict


def _train(options: argparse.Namespace) -> int:
    from threadpoolctl import threadpool_limits
    from tqdm import tqdm

    config = TrainingConfig(
        hidden=parse_hidden(" ".join(options.hidden)),
        activation=options.activation,
        optimizer=options.optimizer,
        learning_rate=options.lr,
        momentum=options.momentum,
        weight_decay=options.weight_decay,
        batch_size=options.batch_size,
        epochs=options.epochs,
        seed=options.seed,
        validation_share=options.validation,
    )
    if options.save is not None and not options.save.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {options.save.absolute().parent} to save the network in.")
    if options.save is not None and options.save.is_dir():
        raise UsageError(f"{options.save} is a folder; name a file to save the network in.")
    dataset = data.load(options.dataset)
    run = TrainingRun(config, dataset.train_images, dataset.train_labels, len(dataset.class_names))
    epochs: list[EpochSummary] = []
    threads = options.threads or fastest_blas_threads(run)
    started = time.perf_counter()
    with (
        threadpool_limits(threads, user_api="blas"),
        tqdm(total=config.epochs * run.training_count, unit=" digits", unit_scale=True) as bar,
    ):
        for step, epoch in run:
            if step.diverged:
                raise UsageError(f"{DIVERGED} Try --lr {config.learning_rate / 10:g}.")
            bar.update(step.count)
            if epoch is not None:
                epochs.append(epoch)
                bar.write(_told(epoch, config.epochs), file=sys.stdout)
    seconds = time.perf_counter() - started
    test = evaluate(run.model, dataset.test_images, dataset.test_labels)
    print(f"trained in {seconds:.1f} s with --threads {threads}; {_measured('test', *test)}")
    if options.save is not None:
        save_model(options.save, run.model, describe_run(config, options.dataset, epochs, test, threads))
        print(f"saved {options.save}")
    return 0


def _measured(what: str, loss: float, accuracy: float) -> str:
    return f"{what} loss {loss:.4f}, {what} accuracy {accuracy:.2%}"


def _told(epoch: EpochSummary, epochs: int) -> str:
    text = f"epoch {epoch.epoch + 1}/{epochs}: {_measured('training', epoch.loss, epoch.accuracy)}"
    if epoch.validation_loss is not None and epoch.validation_accuracy is not None:
        text += f", {_measured('validation', epoch.validation_loss, epoch.validation_accuracy)}"
    return text


def _load_reader(path: Path) -> MLP:
    model, _ = load_model(path)
    digits.check_reader(path.name, model.sizes)
    return model


def _evaluate(options: argparse.Namespace) -> int:
    model = _load_reader(options.model)
    dataset = data.load_mnist()
    print(_measured("test", *evaluate(model, dataset.test_images, dataset.test_labels)))
    return 0


def _predict(options: argparse.Namespace) -> int:
    model = _load_reader(options.model)
    status = 0
    for path in options.images:
        try:
            picture = digits.from_image(data.read_image(path))
        except data.DataError as error:
            print(f"minigrad-gui: {error}", file=sys.stderr)
            status = 2
            continue
        if picture.any():
            probabilities = predict(model, picture[np.newaxis])[0]
            best = int(probabilities.argmax())
            print(f"{path}: {best} ({probabilities[best]:.1%})")
        else:
            print(f"{path}: no digit, the picture is blank")
    return status


# ---------------------------------------------------------------- the window


def _window(model: Path | None) -> int:
    if model is not None and not model.exists():
        raise UsageError(f'there is no file and no command "{model}"; try minigrad-gui --help.')
    if _has_no_display():
        raise UsageError("there is no display to open a window on; minigrad-gui train works without one.")
    try:
        from PySide6.QtCore import QTimer, qInstallMessageHandler
        from PySide6.QtWidgets import QApplication
    except ImportError as error:
        raise UsageError(f"Qt cannot start: {error} ({LIBRARIES_HINT}). minigrad-gui train needs no Qt.") from None
    previous = qInstallMessageHandler(_refuse_on_fatal)
    app = QApplication(["minigrad-gui"])
    qInstallMessageHandler(previous)
    app.setApplicationName("minigrad")
    app.setApplicationDisplayName("minigrad")
    app.setDesktopFileName("minigrad")

    from minigrad_gui.main_window import MainWindow

    window = MainWindow()
    window.show()
    if model is not None:
        QTimer.singleShot(0, partial(window.open, model))
    return int(app.exec())


def _has_no_display() -> bool:
    asked_for = os.environ.get("QT_QPA_PLATFORM")
    has_one = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform.startswith("linux") and not asked_for and not has_one


def _refuse_on_fatal(kind: Any, context: Any, message: str) -> None:  # noqa: ARG001
    """While Qt starts: where it would print a paragraph and abort, say one line and leave."""
    if kind.name == "QtFatalMsg":
        _leave(f"no window can be opened on this display ({LIBRARIES_HINT}); minigrad-gui train works without one.")


def _leave(message: str) -> NoReturn:
    print(f"minigrad-gui: {message}", file=sys.stderr, flush=True)
    os._exit(2)  # Qt would abort the process as soon as it was given back control
