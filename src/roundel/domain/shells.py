"""Shells of people in jobs that run: how long they last, how large their terminals are."""

from roundel.domain.records import dataclass

IDLE_SECONDS = 600.0  # without a key being pressed
LONGEST_SECONDS = 3600.0
MOST_COLUMNS, MOST_ROWS = 500, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSize:
    """How many characters a terminal shows."""

    columns: int = 80
    rows: int = 24

    def bounded(self) -> "WindowSize":
        """Return a size that a terminal can have, whatever was asked for."""
        return WindowSize(
            columns=min(max(self.columns, 2), MOST_COLUMNS),
            rows=min(max(self.rows, 2), MOST_ROWS),
        )
