"""The parts of the session, each without a window."""
