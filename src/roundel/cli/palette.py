"""How jobs are told apart on a terminal."""

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "bright_cyan", "bright_magenta")
# Shown only when they fail: otherwise they say the same of every job.
SET_UP = frozenset({"Spin up environment", "Preparing environment variables"})
