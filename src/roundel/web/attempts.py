"""Slows down those who guess passwords.  Each server counts for itself."""

from roundel.domain.clock import MINUTE, Micros

MOST_FAILURES = 10  # of one name, within the window
WINDOW = 10 * MINUTE
MOST_NAMES = 10_000


class Attempts:
    """Failed sign-ins by name; whether there is such a name makes no difference."""

    def __init__(self) -> None:
        self._failures: dict[str, tuple[int, Micros]] = {}

    def may_try(self, login: str, now: Micros) -> bool:
        """Tell whether a name has failed too often lately."""
        count, since = self._failures.get(login[:200], (0, now))
        return count < MOST_FAILURES or now - since >= WINDOW

    def failed(self, login: str, now: Micros) -> None:
        """Count a failure."""
        login = login[:200]
        count, since = self._failures.pop(login, (0, now))
        if now - since >= WINDOW:
            count, since = 0, now
        if len(self._failures) >= MOST_NAMES:
            del self._failures[next(iter(self._failures))]  # the one that failed longest ago
        self._failures[login] = (count + 1, since)

    def succeeded(self, login: str) -> None:
        """Begin to count anew."""
        self._failures.pop(login[:200], None)
