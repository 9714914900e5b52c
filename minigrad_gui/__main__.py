"""`python -m minigrad_gui` is `minigrad-gui`."""

import sys

from minigrad_gui.cli import main

sys.exit(main())
