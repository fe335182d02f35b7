"""What stands around the compiler: problems for machines, kept results, its imports."""

import json
import subprocess
import sys
from types import FrameType

from roundel.compiler import (
    CompileCache,
    Options,
    error_lines,
    problems_json,
    problems_sarif,
)
from roundel.compiler.source import load
from tests.unit.compiler.configs import USES, TextOrbs, compiled


def test_problems_are_rendered_for_machines() -> None:
    result = compiled("jobs: {build: {machine: true, steps: [chekout]}}\n")
    (found,) = problems_json(result.problems)
    assert found == {
        "code": "unknown-command",
        "severity": "error",
        "message": "\n".join(error_lines(result.problems)),
        "lines": [
            "Error calling workflow: 'workflow'",
            "Error calling job: 'build'",
            "Cannot find a definition for command named chekout",
        ],
        "file": ".circleci/config.yml",
        "line": 2,
        "column": 39,
        "hint": "did you mean `checkout`?",
    }
    sarif = problems_sarif(result.problems, version="1.0")
    assert json.loads(json.dumps(sarif))["runs"][0]["results"][0]["ruleId"] == "unknown-command"


def test_a_result_is_kept_while_its_orbs_mean_the_same() -> None:
    cache = CompileCache(size=2)
    orbs = TextOrbs(acme__tools_v1="commands: {x: {steps: [run: one]}}\n")
    first = cache.compile(USES, orbs=orbs)
    assert cache.compile(USES, orbs=orbs) is first
    assert cache.compile(USES, orbs=orbs, options=Options(trace=True)) is not first
    orbs.texts["acme/tools@1"] = "commands: {x: {steps: [run: two]}}\n"
    assert cache.compile(USES, orbs=orbs).output != first.output


def test_other_optional_parameters_make_another_result() -> None:
    text = (
        "version: 2.1\nparameters: {who: {type: string, default: nobody}}\n"
        "jobs: {build: {machine: true, steps: [run: echo << pipeline.parameters.who >>]}}\n"
    )
    cache = CompileCache()
    assert "echo nobody" in (cache.compile(text).output or "")
    optional = Options(optional={"who": "you", "undeclared": "x"})
    assert "echo you" in (cache.compile(text, options=optional).output or "")


def test_every_text_is_read_once_however_often_it_is_named() -> None:
    orbs = TextOrbs()
    orbs.texts["acme/deep@1"] = "commands: {y: {steps: [run: deep]}}\n"
    orbs.texts["acme/tools@1"] = "orbs: {d: acme/deep@1}\ncommands: {x: {steps: [d/y]}}\n"
    text = (
        "orbs: {t: acme/tools@1, again: acme/tools@1, d: acme/deep@1}\n"
        "jobs: {build: {machine: true, steps: [t/x, again/x, d/y, t/x]}}\n"
    )
    read: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is load.__code__:
            read.append(frame.f_locals["doc"].name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        result = compiled(text, orbs)
    finally:
        sys.setprofile(before)
    assert result.plan is not None
    assert sorted(read) == [".circleci/config.yml", "acme/deep@1", "acme/tools@1"]


def test_a_failure_is_not_kept() -> None:
    cache = CompileCache()
    orbs = TextOrbs()
    assert cache.compile(USES, orbs=orbs).plan is None
    orbs.texts["acme/tools@1"] = "commands: {x: {steps: [run: one]}}\n"
    assert cache.compile(USES, orbs=orbs).plan is not None


def test_importing_the_compiler_loads_nothing_heavy() -> None:
    code = (
        "import sys, roundel.compiler as c;"
        "assert not {'yaml', 're2', 'difflib', 'roundel.compiler.passes'} & set(sys.modules);"
        "c.compile_config('version: 2.1\\njobs: {build: {machine: true, steps: [checkout]}}');"
        "assert 're2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "src"})
