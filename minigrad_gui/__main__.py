"""`minigrad-gui`, and `python -m minigrad_gui`."""

import signal
import sys


def main() -> int:
    """Run the command line of this process; returns the exit status."""
    interrupt = signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C while modules load ends it without a traceback
    from minigrad_gui import cli

    signal.signal(signal.SIGINT, interrupt)
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
