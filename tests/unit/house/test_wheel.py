"""What a release contains."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_a_wheel_has_every_file_of_the_package(tmp_path: Path) -> None:
    """Scripts, SQL and the sample repository are data: forgotten, they fail only at users'."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    listed = subprocess.run(
        ["git", "ls-files", "src/roundel"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    files = {line.removeprefix("src/") for line in listed.stdout.splitlines()}
    assert "roundel/cli/sample/.circleci/config.yml" in files
    assert files <= set(zipfile.ZipFile(wheel).namelist())
