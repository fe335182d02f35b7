"""What every test shares."""

import pytest

from tests.spec import SPEC


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, and name, the tests that need the specification where it is not beside us."""
    if SPEC.is_dir():
        return
    kept = [item for item in items if item.get_closest_marker("spec") is None]
    left_out = [item for item in items if item.get_closest_marker("spec") is not None]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        config.stash[LEFT_OUT] = sorted({item.nodeid.split("::")[0] for item in left_out})
    items[:] = kept


LEFT_OUT: pytest.StashKey[list[str]] = pytest.StashKey()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """List the files whose tests were left out, so that nothing is left out silently."""
    for name in config.stash.get(LEFT_OUT, []):
        terminalreporter.write_line(f"left out (no specification folder): {name}")


pytest_plugins = ["tests.engine"]
