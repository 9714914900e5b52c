"""For every test: a screen in memory, unless one is asked for, and nothing is fetched from the network."""

import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", f"offscreen:configfile={Path(__file__).with_name('screen.json')}")
os.environ["HF_HUB_OFFLINE"] = "1"
