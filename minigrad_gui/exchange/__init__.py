"""Networks in other programs' formats, out and in. No Qt here."""

from minigrad_gui.exchange.exporting import export_model
from minigrad_gui.exchange.formats import EXPORTS, NETWORK_SUFFIXES, is_network
from minigrad_gui.exchange.importing import import_model
from minigrad_gui.exchange.measuring import INPUTS
from minigrad_gui.exchange.portable import ExchangeError
from minigrad_gui.exchange.toml_file import read_config, write_config

__all__ = [
    "EXPORTS",
    "INPUTS",
    "NETWORK_SUFFIXES",
    "ExchangeError",
    "export_model",
    "import_model",
    "is_network",
    "read_config",
    "write_config",
]
