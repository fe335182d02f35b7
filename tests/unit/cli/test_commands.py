"""The command line: what it says, and with which exit code it ends."""

import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from roundel.cli.main import COMMANDS, LazyGroup, cli
from tests.snippets import python

ROOT = Path(__file__).parents[3]


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), env=environment, catch_exceptions=False)


def test_help_lists_every_command():
    shown = run("--help")
    assert shown.exit_code == 0
    for name, (_, summary) in COMMANDS.items():
        assert name in shown.output
        assert summary in shown.output


def test_the_version_is_told():
    assert run("--version").output.startswith("roundel ")


class Interrupted(LazyGroup):
    """Ctrl-C comes while a command is being loaded."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        raise KeyboardInterrupt


def test_ctrl_c_ends_a_command_without_a_word_and_as_shells_expect_it():
    before = signal.getsignal(signal.SIGINT)
    try:
        ended = CliRunner().invoke(Interrupted("roundel"), ["run"])
        again = signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.exit_code == 130
    assert ended.output == ""
    assert again is signal.SIG_IGN  # one more does not cut the end


@pytest.mark.parametrize("how", ["-m", "-c"])
def test_ctrl_c_while_the_program_is_being_loaded_ends_it_without_a_word(tmp_path: Path, how: str):
    (tmp_path / "click.py").write_text(
        "import os, signal\nprint('loading', flush=True)\nos.kill(os.getpid(), signal.SIGINT)\n"
    )
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["roundel"]
    module, _, name = entry.partition(":")
    words = ["roundel"] if how == "-m" else [f"from {module} import {name}; {name}()"]
    done = subprocess.run(
        [sys.executable, how, *words],
        env={"PYTHONPATH": f"{tmp_path}:{ROOT / 'src'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "loading\n", "")


def test_help_loads_no_command_and_no_server():
    code = (
        "import sys\n"
        "from roundel.cli.main import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'asyncio', 'starlette', 'msgspec', 'yaml', 'rich', 'roundel.app'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = python(code)
    assert (done.returncode, done.stderr.strip()) == (0, "[]")


@pytest.mark.parametrize(("key", "code"), [("jobs", 0), ("jbos", 1)])
def test_a_short_command_that_ends_at_once_has_written_everything(
    tmp_path: Path, key: str, code: int
):
    names = [f"j{n}" for n in range(2000)]
    jobs = "".join(f"  {n}: {{machine: true, steps: [{{run: echo {n}}}]}}\n" for n in names)
    (tmp_path / "config.yml").write_text(
        f"version: 2.1\njobs:\n{jobs}workflows: {{w: {{{key}: [{', '.join(names)}]}}}}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "roundel", "config", "process", "config.yml"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert done.stderr.endswith("\n") == bool(code)
    assert ("- j1999\n" in done.stdout) == (code == 0)
    assert done.stdout[-12:].strip() == ("version: 2" if code == 0 else "")


def test_the_end_waits_for_threads_that_work():
    code = (
        "import threading, time\n"
        "from roundel.cli.main import end_at_once\n"
        "go_on = threading.Event()\n"
        "worker = threading.Thread(target=lambda: (go_on.wait(), print('worked')))\n"
        "worker.start()\n"
        "end_at_once(3)\n"
        "go_on.set()\n"
    )
    done = python(code)
    assert (done.returncode, done.stdout) == (0, "worked\n")


def test_an_unknown_command_is_a_usage_error():
    shown = run("nonsense")
    assert shown.exit_code == 2
    assert "No such command 'nonsense'" in shown.output


def test_without_a_token_the_command_says_where_it_looked(tmp_path: Path):
    shown = run("token", "create", ROUNDEL_DATA=str(tmp_path))
    assert shown.exit_code == 1
    assert shown.output == (
        "roundel: no token: give one with --token or ROUNDEL_TOKEN "
        f"(looked into {tmp_path}/admin-token as well)\n"
    )


def test_without_a_server_the_command_says_so(tmp_path: Path):
    (tmp_path / "admin-token").write_text("secret\n")
    shown = run("token", "create", "--server", "http://127.0.0.1:1", ROUNDEL_DATA=str(tmp_path))
    assert shown.exit_code == 1
    assert shown.output.startswith("roundel: no answer from http://127.0.0.1:1: ")
    assert "Traceback" not in shown.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("project", "add", "gh/a/b"), "Missing option '--repo'"),
        (("project", "add", "gh/a/b", "--repo", "/no/such"), "--repo: there is no /no/such"),
        (("token", "create", "--expires", "90"), "'90' is not a length of time such as 12h"),
        (("token", "create", "--server", "ftp://x"), "--server must begin with http://"),
        (("serve", "--port", "99999"), "99999 is not in the range"),
        (("serve", "--backend", "magic"), "'magic' is not one of"),
        (("serve", "--image-map", "cimg"), "'cimg' is not PATTERN=IMAGE"),
        (("config", "validate", "/no/such.yml"), "/no/such.yml cannot be read: No such file"),
        (("config", "validate", "x", "--pipeline-values", "{"), "neither JSON nor YAML"),
        (("config", "validate", "x", "--pipeline-values", "[]"), "neither a JSON object nor"),
    ],
)
def test_a_mistake_is_one_clear_sentence_and_a_code(arguments: tuple[str, ...], told: str):
    shown = run(*arguments, ROUNDEL_TOKEN="t")
    assert shown.exit_code in {1, 2}
    assert told in shown.output
    assert "Traceback" not in shown.output
