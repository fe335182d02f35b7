"""A terminal that tests look at: a tmux server of their own."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.client import until


class Terminal:
    """One program in a tmux window.  What it shows is read as text."""

    def __init__(
        self,
        folder: Path,
        command: list[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        size: tuple[int, int] = (100, 30),
    ) -> None:
        self._socket = folder / "tmux"
        self._ended = folder / "ended"
        words = " ".join(_quoted(word) for word in command)
        script = f"trap : INT; {words}; echo $? > {_quoted(str(self._ended))}; exec cat"
        columns, lines = size
        self._tmux(
            *("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines)),
            *("-c", str(cwd), "sh", "-c", script),
            environment={**environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
        )

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server", check=False)

    def type(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self._tmux("send-keys", *keys)

    def resize(self, columns: int, lines: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def screen(self) -> str:
        """Return what can be seen now."""
        return self._tmux("capture-pane", "-p")

    def shows(self, *texts: str) -> str:
        """Wait until all of these can be seen; return the screen."""
        return until(self.screen, lambda seen: all(text in seen for text in texts))

    def hides(self, text: str) -> str:
        """Wait until this cannot be seen any more; return the screen."""
        return until(self.screen, lambda seen: text not in seen)

    def exit_code(self) -> int:
        """Wait for the program's end."""
        return int(until(self._read, bool))

    def _read(self) -> str:
        return self._ended.read_text().strip() if self._ended.exists() else ""

    def _tmux(
        self, *words: str, check: bool = True, environment: Mapping[str, str] | None = None
    ) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self._socket), *words],
            env=None if environment is None else dict(environment),
            capture_output=True,
            text=True,
            check=check,
        )
        return done.stdout


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
