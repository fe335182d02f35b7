"""What happens to tests that this machine cannot run."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
# The whole suite's rules on a suite of two tests, one of which needs what is not there.
SUITE = """
import pytest

@pytest.mark.spec
def test_that_needs_the_specification() -> None:
    raise AssertionError

def test_that_needs_nothing() -> None:
    assert True
"""


def run_suite(folder: Path, *, ci: bool) -> subprocess.CompletedProcess[str]:
    """Run pytest on `SUITE` with the real conftest, where there is no specification folder."""
    (folder / "test_suite.py").write_text(SUITE)
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:randomly"),
            *("--rootdir", str(folder), "-c", str(ROOT / "pyproject.toml")),
            str(folder / "test_suite.py"),
        ],
        env={
            **os.environ,
            "CI": "true" if ci else "",
            "ROUNDEL_SPEC": str(folder / "nowhere"),
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_group_that_cannot_run_is_named_above_the_closing_line(tmp_path: Path) -> None:
    done = run_suite(tmp_path, ci=False)
    assert done.returncode == 0, done.stdout + done.stderr
    *above, closing = done.stdout.strip().splitlines()
    assert "1 passed, 1 deselected" in closing
    assert any("1 tests on the published specification and corpus" in line for line in above)


def test_in_ci_a_group_left_out_is_a_failure(tmp_path: Path) -> None:
    done = run_suite(tmp_path, ci=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 passed, 1 deselected" in done.stdout.strip().splitlines()[-1]
