"""What stands around the compiler: orb sources, packing, vendoring, explaining, rendering."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import FrameType

import pytest
import yaml

from roundel.compiler import (
    CompileCache,
    FolderOrbs,
    Options,
    OrbChain,
    OrbRefused,
    RepositoryOrbs,
    UrlOrbs,
    best_version,
    error_lines,
    explain,
    pack_folder,
    problems_json,
    problems_sarif,
    vendor_orbs,
)
from roundel.compiler.source import load
from tests.unit.compiler.configs import TextOrbs, compiled, problems


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("1", "1.10.2"),
        ("1.2", "1.2.9"),
        ("1.2.3", "1.2.3"),
        ("2.0.1", None),
        ("volatile", "2.0.0"),
        ("dev:x", "dev:x"),
        ("dev:y", None),
        ("3", None),
        ("", None),
        ("x.y", None),
    ],
)
def test_a_version_means_the_highest_that_it_allows(wanted: str, found: str | None) -> None:
    known = ["1.2.3", "1.2.9", "1.10.2", "1.9.9", "2.0.0", "dev:x"]
    assert best_version(wanted, known) == found


def a_registry(folder: Path) -> Path:
    for name, text in {
        "acme/tools/1.2.0": "commands: {x: {steps: [run: old]}}\n",
        "acme/tools/1.10.0": "orbs: {d: acme/deep@2}\ncommands: {x: {steps: [run: new]}}\n",
        "acme/deep/2.0.1": "commands: {y: {steps: [run: deep]}}\n",
    }.items():
        file = folder / f"{name}.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


USES = "version: 2.1\norbs: {t: acme/tools@1}\njobs: {build: {machine: true, steps: [t/x]}}\n"


def test_orbs_may_lie_in_a_folder(tmp_path: Path) -> None:
    orb = FolderOrbs(a_registry(tmp_path)).resolve("acme/tools@1")
    assert orb is not None
    assert orb.reference == "acme/tools@1.10.0"
    assert orb.digest.startswith("sha256:")
    assert FolderOrbs(tmp_path).resolve("../acme/tools@1") is None


def test_orbs_may_be_files_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "orbs").mkdir()
    (tmp_path / "orbs" / "mine.yml").write_text("commands: {x: {steps: [run: mine]}}\n")
    text = "orbs: {m: ./orbs/mine.yml}\njobs: {build: {machine: true, steps: [m/x]}}\n"
    result = compiled(text, OrbChain(RepositoryOrbs(tmp_path), TextOrbs()))
    assert result.plan is not None
    assert result.plan.jobs["build"].steps[0].name == "mine"


def test_a_file_outside_of_the_repository_is_no_orb(tmp_path: Path) -> None:
    inner = tmp_path / "repo"
    inner.mkdir()
    (tmp_path / "secret.yml").write_text("{}")
    with pytest.raises(OrbRefused):
        RepositoryOrbs(inner).resolve("./../secret.yml")
    result = compiled("orbs: {m: ../secret.yml}\njobs: {}\n", RepositoryOrbs(inner))
    assert "outside of the repository" in problems(result)[0]


def test_orbs_on_the_web_need_an_allowed_prefix() -> None:
    texts = {"https://good.example/o.yml": "commands: {x: {steps: [run: web]}}\n"}
    source = UrlOrbs(["https://good.example/"], texts.get)
    assert source.resolve("https://good.example/o.yml") is not None
    assert source.resolve("https://good.example/other.yml") is None
    assert source.resolve("acme/tools@1") is None
    with pytest.raises(OrbRefused, match="not allowed"):
        source.resolve("https://bad.example/o.yml")


def test_vendoring_copies_all_that_can_be_needed(tmp_path: Path) -> None:
    source, copy = a_registry(tmp_path / "source"), tmp_path / "copy"
    vendored = vendor_orbs(USES, copy, FolderOrbs(source))
    assert not vendored.problems
    assert sorted(str(file.relative_to(copy)) for file in vendored.files) == [
        "acme/deep/2.0.1.yml",
        "acme/tools/1.10.0.yml",
        "orbs.lock.json",
    ]
    lock = json.loads((copy / "orbs.lock.json").read_text())
    assert lock["acme/tools@1"]["exact"] == "acme/tools@1.10.0"
    with_copy = compiled(USES.split("\n", 1)[1], FolderOrbs(copy))
    assert with_copy.plan is not None


def test_orbs_on_the_web_are_vendored_as_well(tmp_path: Path) -> None:
    url = "https://good.example/o.yml"
    text = f"orbs: {{t: {url}}}\njobs: {{build: {{machine: true, steps: [t/x]}}}}\n"
    texts = {url: "commands: {x: {steps: [run: web]}}\n"}
    web = UrlOrbs(["https://good.example/"], texts.get)
    vendored = vendor_orbs(f"version: 2.1\n{text}", tmp_path, web)
    assert not vendored.problems
    alone = compiled(text, FolderOrbs(tmp_path))
    assert alone.plan is not None
    assert alone.output == compiled(text, web).output
    assert FolderOrbs(tmp_path).resolve("https://good.example/other.yml") is None


def test_vendoring_writes_nothing_if_an_orb_is_missing(tmp_path: Path) -> None:
    vendored = vendor_orbs(USES, tmp_path / "copy", TextOrbs())
    assert "Cannot find acme/tools@1" in vendored.problems[0].message
    assert not (tmp_path / "copy").exists()


def test_a_folder_is_packed_into_one_file(tmp_path: Path) -> None:
    for name, text in {
        "@orb.yml": "version: 2.1\ndescription: packed\n",
        "commands/greet.yml": "steps:\n  - run: <<include(scripts/greet.sh)>>\n",
        "commands/@more.yml": "other: {steps: [checkout]}\n",
        "scripts/greet.sh": "cat <<EOF\nhi\nEOF\n",
        "jobs/test.yaml": "machine: true\nsteps: [greet]\n",
        ".hidden/x.yml": "a: b\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    packed = pack_folder(tmp_path)
    assert packed.text is not None, packed.problems
    found = yaml.safe_load(packed.text)
    assert list(found) == ["commands", "description", "jobs", "version"]
    assert found["commands"]["greet"]["steps"][0]["run"] == "cat \\<<EOF\nhi\nEOF\n"
    assert list(found["commands"]) == ["greet", "other"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: <<include(none.sh)>>\n", "There is no file none.sh to include"),
        ("a: <<include(../../etc/passwd)>>\n", "There is no file"),
        ("a: x <<include(f.yml)>>\n", "must be the whole value"),
        ("a: [\n", "Unable to parse YAML"),
    ],
)
def test_a_wrong_file_is_not_packed(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "f.yml").write_text(text)
    packed = pack_folder(tmp_path)
    assert packed.text is None
    assert words in packed.problems[0].message
    assert (packed.problems[0].place and packed.problems[0].place.file) == "f.yml"


def test_a_folder_that_leads_into_itself_is_not_packed(tmp_path: Path) -> None:
    (tmp_path / "commands").mkdir()
    (tmp_path / "@orb.yml").write_text("version: 2.1\n")
    (tmp_path / "commands" / "again").symlink_to(tmp_path, target_is_directory=True)
    packed = pack_folder(tmp_path)
    assert packed.text is None
    (problem,) = packed.problems
    assert problem.message == "commands/again is a link to a folder that it lies in"


def test_a_pipe_is_not_packed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.yml")
    packed = pack_folder(tmp_path)
    assert packed.text is None
    assert packed.problems[0].message == "x.yml is no file of text"


def test_a_file_name_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("x: 1\n")
    (tmp_path / os.fsdecode(b"caf\xe9.yml")).write_text("y: 1\n")
    packed = pack_folder(tmp_path)
    assert packed.text is None
    (problem,) = packed.problems
    assert problem.message == "The file name 'caf\\xe9.yml' is not UTF-8; rename the file"


def test_packing_nothing_is_told(tmp_path: Path) -> None:
    assert pack_folder(tmp_path).problems[0].code == "pack"
    assert pack_folder(tmp_path / "absent").problems[0].code == "pack"


EXPLAINED = """
parameters: {deploy: {type: boolean, default: false}}
commands:
  inner: {steps: [run: {name: hello, command: echo hi}]}
  outer: {steps: [inner]}
jobs:
  a: {machine: true, steps: [checkout, outer]}
workflows:
  w:
    jobs:
      - a
      - a: {name: b, filters: {branches: {only: release}}}
  x:
    when: << pipeline.parameters.deploy >>
    jobs: [a: {name: later}]
"""


def test_a_step_is_explained_by_the_calls_that_led_to_it() -> None:
    explanation = explain(compiled(EXPLAINED, trace=True), "a:hello")
    (way,) = explanation.ways
    assert [(link.kind, link.name, link.place.line) for link in way] == [
        ("workflow", "w", 10),
        ("job", "a", 12),
        ("command", "outer", 8),
        ("command", "inner", 6),
        ("run", "hello", 5),
    ]
    assert explanation.text().splitlines()[-1] == "        run hello  (.circleci/config.yml:5:19)"
    assert explain(compiled(EXPLAINED, trace=True), "a:2").ways == explanation.ways


def test_the_same_job_called_twice_is_explained_by_its_own_call() -> None:
    (way,) = explain(compiled(EXPLAINED, trace=True), "b:hello").ways
    assert [link.place.line for link in way][:2] == [10, 13]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("b", 'branch \'main\' does not pass its branch filter: {"only": "release"}'),
        ("x", "its `when` is false: << pipeline.parameters.deploy >>"),
        ("later", "(pipeline.parameters.deploy is false)"),
        ("a:nope", "The job 'a' has no step 'nope'."),
        ("nope", "There is no job or workflow named 'nope'"),
    ],
)
def test_what_does_not_run_is_explained(target: str, words: str) -> None:
    assert words in explain(compiled(EXPLAINED, trace=True), target).text()


LEFT_OUT = """
parameters: {deploy: {type: boolean, default: false}}
commands:
  notify:
    parameters: {to: {type: string, default: nobody}}
    steps:
      - unless:
          condition: {equal: [<< parameters.to >>, nobody]}
          steps: [run: {name: tell, command: mail << parameters.to >>}]
jobs:
  test:
    parameters: {os: {type: string}, version: {type: string}}
    machine: true
    steps: [checkout, notify]
  build:
    machine: true
    steps:
      - checkout
      - when:
          condition: << pipeline.parameters.deploy >>
          steps: [{run: ./deploy}, notify]
      - notify
workflows:
  w:
    jobs:
      - build
      - build: {name: again}
      - test:
          matrix:
            parameters: {os: [linux, mac], version: ["1", "2"]}
            exclude: [{os: mac, version: "1"}]
"""


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            "test-mac-1",
            "In workflow 'w', the member 'test-mac-1' of the matrix of 'test' is left out at"
            ' .circleci/config.yml:32: {"os": "mac", "version": "1"} is excluded by'
            ' {"os": "mac", "version": "1"}.',
        ),
        ("test", "the member 'test-mac-1' of the matrix of 'test' is left out"),
        (
            "build:./deploy",
            "In workflow 'w', job 'build', the step './deploy' is left out at"
            " .circleci/config.yml:20: its `when` is false: << pipeline.parameters.deploy >>"
            " (pipeline.parameters.deploy is false).",
        ),
        (
            "again:tell",
            "job 'again', the step 'tell' is left out at .circleci/config.yml:8: its `unless` is"
            ' true: {"equal": ["<< parameters.to >>", "nobody"]} (parameters.to is "nobody").',
        ),
        ("build", "job 'build', ./deploy, notify are left out"),
        ("test-linux-2:tell", "job 'test-linux-2', the step 'tell' is left out"),
    ],
)
def test_what_a_condition_or_an_exclusion_leaves_out_is_explained_with_its_values(
    target: str, words: str
) -> None:
    explanation = explain(compiled(LEFT_OUT, trace=True), target)
    assert explanation.found
    assert words in explanation.text()


def test_noting_what_is_left_out_changes_no_output() -> None:
    assert compiled(LEFT_OUT, trace=True).output == compiled(LEFT_OUT).output


def test_a_step_that_its_job_has_not_is_told_as_such() -> None:
    text = "jobs: {build: {machine: true, steps: [checkout]}}\n"
    explanation = explain(compiled(text, trace=True), "build:nope")
    assert not explanation.found
    assert explanation.text() == "The job 'build' has no step 'nope'."


def test_what_does_not_compile_is_explained_by_its_problems() -> None:
    explanation = explain(compiled("jobs: {build: {}}\n", trace=True), "build")
    assert not explanation.found
    assert "required key [steps] not found" in explanation.text()


def test_the_source_map_tells_where_each_value_was_written() -> None:
    places = compiled(EXPLAINED, trace=True).source_map
    assert places["jobs.a.steps[1].run.command"].line == 5
    assert places["workflows.w.jobs[1].b.filters"].line == 13
    assert compiled(EXPLAINED).source_map == {}


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
