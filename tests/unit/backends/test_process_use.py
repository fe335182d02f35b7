"""What processes use: all below one, also what has ended."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from roundel.backends.process_use import ProcessTable, use_at_the_end
from roundel.backends.protocol import Use

# A shell whose child has used some time and ended, and which then has a child with 50 MB.
TREE = """
python=$1
"$python" -c 'import time
while time.process_time() < 0.3: pass'
"$python" -c 'import sys
held = b"x" * 50_000_000
print("ready", flush=True)
sys.stdin.read()'
exit 0
"""


@pytest.mark.parametrize("look", [lambda pid: ProcessTable().use_of(pid), use_at_the_end])
def test_the_use_of_a_process_is_that_of_all_below_it(look: Callable[[int], Use | None]) -> None:
    with subprocess.Popen(
        ["/bin/sh", "-c", TREE, "tree", sys.executable],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as tree:
        assert tree.stdout is not None
        assert tree.stdin is not None
        assert tree.stdout.readline() == b"ready\n"
        use = look(tree.pid)
        tree.stdin.close()
    assert use is not None
    assert use.cpu_ms >= 250
    assert 50_000_000 < use.memory < 500_000_000


def test_a_process_that_is_gone_uses_nothing() -> None:
    with subprocess.Popen(["/bin/true"]) as gone:
        pass
    assert use_at_the_end(gone.pid) is None
    assert ProcessTable().use_of(gone.pid) is None
    assert ProcessTable().use_of(os.getpid()) is not None
