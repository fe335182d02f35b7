"""The script of a step that keeps files outlives the runner that it talks to."""

import os
import select
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest

from roundel.runner.steps.talk import prepare_talk, servant_script, talk_name

DEATHS = 100  # enough to hit the moment between its opening of a FIFO and its writing
PATIENCE_SECONDS = 20


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    """The base of the FIFOs of a script that runs."""
    base = tmp_path / talk_name(1)
    prepare_talk(base)
    script = tmp_path / "1.script"
    script.write_text(servant_script())
    with Popen(["/bin/sh", script], cwd=tmp_path) as running:
        yield base
        running.kill()


@pytest.mark.parametrize("word", ["where", "contents 1.script", "list_tree .", "target"])
def test_a_script_lives_on_when_its_runner_dies_before_it_has_read(word: str, base: Path):
    go, answers = (os.open(base.with_name(base.name + end), os.O_RDWR) for end in (".go", ".re"))
    for death in range(DEATHS):
        fifo = base.with_name(f"{base.name}.{death}.up")
        os.mkfifo(fifo)
        os.write(go, f"{death} {word}\n".encode())
        os.close(os.open(fifo, os.O_RDONLY))
        heard, _, _ = select.select([answers], [], [], PATIENCE_SECONDS)
        assert heard, f"the script did not answer after death {death}"
        assert os.read(answers, 100).startswith(f"{death} ".encode())
    os.close(go)
    os.close(answers)
