"""The laboratory: a window, and a command line, in which a small network learns to read digits."""
