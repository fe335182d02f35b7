"""Compiling on the command line: `config` and `orb` with all their commands."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from click.testing import CliRunner, Result

from roundel.cli.main import cli

CONFIG = """\
version: 2.1
orbs:
  n: acme/node@1
  mine: ./tools/orb.yml
jobs:
  build:
    docker: [{image: cimg/base:current}]
    steps:
      - checkout
      - n/hello: {to: you}
workflows:
  main:
    jobs:
      - build
      - mine/check
      - build: {name: tagged, filters: {branches: {only: release}}}
"""
NODE = """\
version: 2.1
orbs: {base: acme/base@0.1}
commands:
  hello:
    parameters: {to: {type: string}}
    steps:
      - run: {name: greet, command: "echo << parameters.to >>"}
"""
CHECK = """\
version: 2.1
jobs:
  check:
    docker: [{image: cimg/base:current}]
    steps: [{run: ./check}]
"""
BROKEN = """\
version: 2.1
jobs:
  build:
    docker: [{image: cimg/base:current}]
    stepz: [checkout]
workflows:
  main:
    jobs: [build]
"""
# The parts of SARIF 2.1.0 that a reader relies on, as its specification requires them.
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {"required": ["id"]},
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {
                                    "required": ["text"],
                                    "properties": {"text": {"type": "string", "minLength": 1}},
                                },
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "properties": {
                                                            "uri": {"format": "uri-reference"}
                                                        }
                                                    },
                                                    "region": {
                                                        "properties": {
                                                            "startLine": {
                                                                "type": "integer",
                                                                "minimum": 1,
                                                            },
                                                            "startColumn": {
                                                                "type": "integer",
                                                                "minimum": 1,
                                                            },
                                                        }
                                                    },
                                                },
                                            }
                                        }
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a config, an orb of its own, and a folder of orbs beside it."""
    write(tmp_path / "web/.circleci/config.yml", CONFIG)
    write(tmp_path / "web/tools/orb.yml", CHECK)
    (tmp_path / "web/.git").mkdir()
    write(tmp_path / "registry/acme/node/1.0.0.yml", NODE)
    write(tmp_path / "registry/acme/node/1.2.0.yml", NODE)
    write(tmp_path / "registry/acme/base/0.1.4.yml", "version: 2.1\n")
    monkeypatch.chdir(tmp_path / "web")
    return tmp_path / "web"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, list(arguments), input=stdin, catch_exceptions=False)


def test_orbs_come_from_a_folder_and_from_the_repository(checkout: Path):
    done = run("config", "process", ".circleci/config.yml", "--orbs", "../registry")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("# Orb 'acme/node@1' resolved to 'acme/node@1.2.0'\n")
    assert "echo you" in done.stdout
    assert "command: ./check" in done.stdout
    assert done.stderr == ""


def test_a_missing_orb_is_told_in_the_known_words_then_with_its_place(checkout: Path):
    done = run("config", "process", ".circleci/config.yml")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "Cannot find acme/node@1 in the orb registry."
        " Check that the namespace, orb name and version are correct.\n"
        "  --> .circleci/config.yml:3:6\n"
        "3 |   n: acme/node@1\n"
        "  |      ^\n"
    )


def test_vendored_orbs_make_a_config_compile_alone(checkout: Path):
    done = run("orb", "vendor", ".circleci/config.yml", "--orbs", "../registry")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == [
        ".circleci/orbs/acme/node/1.2.0.yml",
        ".circleci/orbs/acme/base/0.1.4.yml",
        ".circleci/orbs/orbs.lock.json",
    ]
    assert run("config", "validate", ".circleci/config.yml").exit_code == 0


def test_the_config_of_the_checkout_is_meant_where_none_is_named(checkout: Path):
    vendored = run("orb", "vendor", "--orbs", "../registry")
    assert vendored.exit_code == 0, vendored.stderr
    named = run("config", "process", ".circleci/config.yml")
    assert run("config", "process").stdout == named.stdout != ""
    assert ".circleci/config.yml is valid" in run("config", "validate").stderr
    (checkout / ".circleci/config.yml").write_text(BROKEN)
    assert run("config", "validate").exit_code == 1


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[str]:
    """An address that serves a folder with one orb."""
    write(tmp_path / "served/o.yml", CHECK)
    handler = partial(Quiet, directory=tmp_path / "served")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_orbs_on_the_web_are_vendored_from_allowed_addresses_only(checkout: Path, shelf: str):
    write(Path("c.yml"), CONFIG.replace("./tools/orb.yml", f"{shelf}/o.yml"))
    vendor = ("orb", "vendor", "c.yml", "--orbs", "../registry")
    refused = run(*vendor)
    assert refused.exit_code == 1
    assert "is not fetched here" in refused.stderr
    refused = run(*vendor, "--allow-url", "https://elsewhere.example/")
    assert "is not below an address of --allow-url" in refused.stderr
    done = run(*vendor, "--allow-url", shelf)
    assert done.exit_code == 0, done.stderr
    assert run("config", "validate", "c.yml").exit_code == 0


def test_vendoring_what_is_not_there_writes_nothing(checkout: Path):
    done = run("orb", "vendor", ".circleci/config.yml", "--into", "copies")
    assert done.exit_code == 1
    assert "Cannot find acme/node@1" in done.stderr
    assert not Path("copies").exists()


def test_an_orb_outside_of_the_repository_is_refused(checkout: Path):
    write(checkout.parent / "secret.yml", CHECK)
    config = CONFIG.replace("./tools/orb.yml", "./../secret.yml")
    done = run("config", "validate", "-", "--orbs", "../registry", stdin=config)
    assert done.exit_code == 1
    assert "The orb ./../secret.yml lies outside of the repository." in done.stderr


def test_orbs_on_the_web_are_not_fetched_here(checkout: Path):
    config = CONFIG.replace("acme/node@1", "https://orbs.example/node.yml")
    done = run("config", "validate", "-", stdin=config)
    assert done.exit_code == 1
    assert "The orb https://orbs.example/node.yml is not fetched here" in done.stderr


def test_explain_shows_the_way_to_a_step(checkout: Path):
    done = run("config", "explain", "build:greet", "--orbs", "../registry")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == [
        "workflow main  (.circleci/config.yml:12:3)",
        "  job build  (.circleci/config.yml:14:9)",
        "    command n/hello  (.circleci/config.yml:10:9)",
        "      run greet  (acme/node@1.2.0:7:9)",
    ]


def test_explain_says_which_filter_dropped_a_job(checkout: Path):
    branch = json.dumps({"pipeline.git.branch": "main"})
    done = run("config", "explain", "tagged", "--orbs", "../registry", "--pipeline-values", branch)
    assert done.exit_code == 0
    assert "In workflow 'main' the job 'tagged' does not run: " in done.stdout
    assert "main" in done.stdout.splitlines()[-1]


def test_explain_of_nothing_fails(checkout: Path):
    done = run("config", "explain", "nobody", "--orbs", "../registry")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "There is no job or workflow named 'nobody' in this config.\n"


@pytest.mark.parametrize("command", ["validate", "process"])
def test_problems_as_json(command: str):
    done = run("config", command, "-", "--format", "json", stdin=BROKEN)
    assert done.exit_code == 1
    document = json.loads(done.stdout if command == "validate" else done.stderr)
    assert document["valid"] is False
    first = document["problems"][0]
    assert first["lines"][0] == "ERROR IN CONFIG FILE:"
    assert (first["code"], first["severity"]) == ("schema", "error")
    assert (first["file"], first["line"]) == ("<standard input>", 5)
    assert "steps" in first["hint"]


@pytest.mark.parametrize(
    "name", ["config.yml", "a b%41 ä.yml", "x:y.yml"], ids=["plain", "odd", "colon"]
)
def test_problems_as_sarif(checkout: Path, name: str):
    write(Path(name), BROKEN)
    done = run("config", "validate", name, "--format", "sarif")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    validator = jsonschema_rs.Draft7Validator(SARIF, validate_formats=True)
    assert [str(error) for error in validator.iter_errors(document)] == []
    [found] = document["runs"]
    [result] = found["results"]
    assert {"id": result["ruleId"]} in found["tool"]["driver"]["rules"]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 5


def test_a_valid_config_is_an_empty_list_of_problems(checkout: Path):
    done = run(
        "config", "validate", ".circleci/config.yml", "--orbs", "../registry", "--format", "json"
    )
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"valid": True, "problems": []})


@pytest.mark.parametrize("noun", ["orb", "config"])
def test_packing_joins_files_and_includes_scripts(checkout: Path, noun: str):
    write(Path("src/@orb.yml"), "version: 2.1\ndescription: Says hello.\n")
    write(Path("src/commands/hello.yml"), "steps:\n- run: <<include(scripts/hello.sh)>>\n")
    write(Path("src/scripts/hello.sh"), "echo hello\n")
    done = run(noun, "pack", "src")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == (
        "commands:\n"
        "  hello:\n"
        "    steps:\n"
        "    - run: |\n"
        "        echo hello\n"
        "description: Says hello.\n"
        "version: 2.1\n"
    )


def test_what_cannot_be_packed_is_said(checkout: Path):
    assert "there is no nowhere" in run("orb", "pack", "nowhere").output
    write(Path("src/commands/hello.yml"), "steps:\n- run: <<include(gone.sh)>>\n")
    done = run("orb", "pack", "src")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "There is no file gone.sh to include" in done.stderr
    assert "commands/hello.yml:2" in done.stderr
