"""The settings of a training run as a small TOML file, to read, to change and to share."""

import json
from typing import IO, Any

from engine.archive import PathLike, reason_of
from engine.config import ConfigError, TrainingConfig
from engine.record import TrainingRecord
from minigrad_gui.exchange.portable import ExchangeError, Portable, name_of, saved

MAX_BYTES = 1 << 16
HEADER = "# Settings of a training run: minigrad-gui train --config THIS_FILE\n\n"


def write(network: Portable, file: IO[bytes]) -> None:
    """The settings with which a network was trained. Raises ExchangeError if they are not known."""
    config = TrainingRecord.from_meta(network.meta).config
    if config is None:
        raise ExchangeError("The settings with which this network was trained are not known.")
    file.write(_text(config).encode("ascii"))


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
        if any(isinstance(value, bool) for value in settings.values()):  # which Python takes for numbers
            raise TypeError("no setting is true or false")
        return TrainingConfig(**settings)
    except OSError as error:
        raise ExchangeError(f"{name} could not be opened: {reason_of(error)}.") from error
    except ConfigError as error:
        raise ExchangeError(f"{name} holds a setting that is out of range: {error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ExchangeError(f"{name} is not a TOML file.") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise ExchangeError(f"{name} holds a setting that is unknown or of the wrong kind.") from error


def _text(config: TrainingConfig) -> str:
    settings = config.to_dict()
    tables = {name: value for name, value in settings.items() if isinstance(value, dict)}
    text = HEADER + _lines({name: value for name, value in settings.items() if name not in tables})
    return text + "".join(f"\n[{name}]\n{_lines(table)}" for name, table in tables.items())


def _lines(settings: dict[str, Any]) -> str:
    """JSON's numbers, strings and lists of these are TOML's, too."""
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
