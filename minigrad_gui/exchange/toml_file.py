"""The settings of a training run as a small TOML file, to read, to change and to share."""

import json
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import IO, Any

from engine.archive import PathLike, printable, reason_of
from engine.augment import Augmentation
from engine.config import ConfigError, TrainingConfig
from engine.record import TrainingRecord
from minigrad_gui import data
from minigrad_gui.exchange.portable import ExchangeError, Portable, name_of, saved

MAX_BYTES = 1 << 16
OTHER_DATA = "# Its network learnt from other data than MNIST: add --dataset {}\n"
HEADER = "# Settings of a training run: minigrad-gui train --config THIS_FILE\n\n"


def write(network: Portable, file: IO[bytes]) -> None:
    """The settings with which a network was trained. Raises ExchangeError if they are not known."""
    record = TrainingRecord.from_meta(network.meta)
    if record.config is None:
        raise ExchangeError("The settings with which this network was trained are not known.")
    others = [name for name in data.SOURCES if name == record.dataset != data.MNIST]
    file.write("".join([*map(OTHER_DATA.format, others), _text(record.config)]).encode("ascii"))


def write_config(path: PathLike, config: TrainingConfig) -> None:
    """Write the settings of a run to exactly `path`. Raises ExchangeError if the file cannot be written."""
    with saved(path) as file:
        file.write(_text(config).encode("ascii"))


def read_config(path: PathLike) -> TrainingConfig:
    """The settings in a TOML file; those that it lacks are the defaults. Raises ExchangeError, with one sentence."""
    import tomllib  # takes a millisecond, which the start of the program does without

    name = name_of(path)
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ExchangeError(f"{name} is too large for the settings of a run.")
        settings = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise ExchangeError(f"{name} could not be opened: {reason_of(error)}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ExchangeError(f"{name} is not a TOML file.") from error
    try:
        if isinstance(varied := settings.get("augmentation"), dict):
            _check(name, varied, Augmentation)
        _check(name, settings, TrainingConfig)
        return TrainingConfig(**settings)
    except ConfigError as error:
        raise ExchangeError(f"{name} holds a setting that is out of range: {error}") from error


def _check(name: str, settings: Mapping[str, Any], kind: type[TrainingConfig] | type[Augmentation]) -> None:
    """Raise ExchangeError for a setting that is unknown or of the wrong kind."""
    known = [field.name for field in fields(kind)]
    for setting, value in settings.items():
        if setting not in known:
            similar = get_close_matches(setting, known, 1)
            hint = f" (did you mean “{similar[0]}”?)" if similar else ""
            raise ExchangeError(f"{name} holds an unknown setting, “{printable(setting)}”{hint}.")
        try:
            if isinstance(value, bool):  # which Python takes for a number
                raise TypeError
            kind(**{setting: value})
        except ConfigError:
            continue  # it may be in range with the others
        except (TypeError, ValueError, OverflowError) as error:
            raise ExchangeError(f"{name} holds a value of the wrong kind for “{setting}”.") from error


def _text(config: TrainingConfig) -> str:
    settings = config.to_dict()
    tables = {name: value for name, value in settings.items() if isinstance(value, dict)}
    text = HEADER + _lines({name: value for name, value in settings.items() if name not in tables})
    return text + "".join(f"\n[{name}]\n{_lines(table)}" for name, table in tables.items())


def _lines(settings: dict[str, Any]) -> str:
    """JSON's numbers, strings and lists of these are TOML's, too."""
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
