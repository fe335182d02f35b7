"""What every test shares: which groups can run on this machine, and the list of those left out."""

import os
from typing import Any

import pytest

from tests.groups import GROUPS

# One engine and one PostgreSQL for the whole session, whoever asks for it.
pytest_plugins = ["tests.engine", "tests.postgres"]

LEFT_OUT: pytest.StashKey[dict[str, tuple[int, str]]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sshd: needs an ssh server that the tests start")
    config.addinivalue_line("markers", "users: needs a root that may make mount namespaces")
    config.addinivalue_line("markers", "npm: needs node, and packages that the tests install")
    config.addinivalue_line("markers", "browser: looks at the pages in Debian's Chromium")
    config.addinivalue_line("markers", "tmux: looks at a terminal of tmux")
    config.addinivalue_line("markers", "docker: needs a container engine that the tests start")
    config.addinivalue_line("markers", "postgresql: needs a PostgreSQL that the tests start")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the groups that cannot run here, and remember why."""
    reasons = {group.marker: group.why_not() for group in GROUPS}
    kept, left_out, counts = [], [], dict.fromkeys(reasons, 0)
    for item in items:
        missing = [name for name, why in reasons.items() if why and item.get_closest_marker(name)]
        (left_out if missing else kept).append(item)
        for name in missing[:1]:
            counts[name] += 1
    if not left_out:
        return
    config.hook.pytest_deselected(items=left_out)
    config.stash[LEFT_OUT] = {
        name: (counts[name], why) for name, why in reasons.items() if why and counts[name]
    }
    items[:] = kept


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what one of several processes has left out; each has seen all tests."""
    left_out = getattr(node, "workeroutput", {}).get("left_out", {})
    node.config.stash[LEFT_OUT] = {name: tuple(about) for name, about in left_out.items()}


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """List what was left out and why, so that nothing is left out silently."""
    left_out = config.stash.get(LEFT_OUT, {})
    if not left_out:
        return
    about = {group.marker: group.about for group in GROUPS}
    terminalreporter.section("left out on this machine")
    for name, (count, why) in left_out.items():
        terminalreporter.write_line(f"{count} {about[name]}: {why}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With CI=true a group left out is a failure: a green run there means that all was run."""
    left_out = session.config.stash.get(LEFT_OUT, {})
    if hasattr(session.config, "workeroutput"):  # one of several processes
        session.config.workeroutput["left_out"] = left_out
        return
    if left_out and os.environ.get("CI") == "true" and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
