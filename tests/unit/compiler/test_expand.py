"""Calls: arguments, scopes, steps, executors."""

import pytest

from tests.unit.compiler.configs import (
    TextOrbs,
    commands_of,
    compiled,
    problem_of_step,
    problems,
    steps_of,
)

ECHO = "commands: {c: {parameters: {x: {type: %s}}, steps: [run: echo << parameters.x >>]}}"


@pytest.mark.parametrize(
    ("kind", "given", "text"),
    [
        ("string", "word", "echo word"),
        ("string", '"1"', "echo 1"),
        ("string", '""', "echo "),
        ("boolean", "yes", "echo true"),
        ("integer", "-3", "echo -3"),
        ("integer", "<< pipeline.number >>", "echo 7"),
        ("string", "<< pipeline.git.tag >>", "echo "),
        ("string", "a-<< pipeline.number >>", "echo a-7"),
        ("enum, enum: [1, two]", "1", "echo 1"),
        ("env_var_name", "A_1", "echo A_1"),
    ],
)
def test_an_argument_of_the_right_type_is_put_in(kind: str, given: str, text: str) -> None:
    assert commands_of(f"c: {{x: {given}}}", ECHO % kind) == [text]


@pytest.mark.parametrize(
    ("kind", "given", "actual"),
    [
        ("string", "1", '"1" (type integer)'),
        ("string", "true", '"true" (type boolean)'),
        ("string", "1.5", '"1.5" (type number)'),
        ("boolean", '"true"', '"true" (type string)'),
        ("integer", '"1"', '"1" (type string)'),
        ("integer", "true", '"true" (type boolean)'),
        ("enum, enum: [a]", "b", '"b" (type string)'),
        ("env_var_name", "1A", '"1A" (type string)'),
        ("steps", "checkout", '"checkout" (type string)'),
        ("executor", "[a]", '"["a"]" (type list)'),
        ("string", "{a: b}", '"{"a": "b"}" (type map)'),
    ],
)
def test_an_argument_of_a_wrong_type_is_told(kind: str, given: str, actual: str) -> None:
    problem = problem_of_step(f"c: {{x: {given}}}", ECHO % kind)
    expected = kind.split(",")[0]
    assert (
        problem == f"Type error for argument x: expected type: {expected}, actual value: {actual}"
    )


def test_a_null_argument_is_no_argument() -> None:
    problem = problem_of_step("c: {x: null}", ECHO % "string")
    assert problem == "Missing required argument(s): x"


@pytest.mark.parametrize("call", ["c", "c: {}", "c: ~"])
def test_a_command_without_parameters_may_be_called_in_three_ways(call: str) -> None:
    assert commands_of(call, "commands: {c: {steps: [run: x]}}") == ["x"]


def test_a_command_does_not_see_the_parameters_of_its_caller() -> None:
    extra = "commands: {c: {steps: [run: << parameters.x >>]}}"
    assert problem_of_step("c", extra) == (
        "Arguments referenced without declared parameters: parameters.x"
    )


def test_a_command_of_the_config_hides_the_built_in_step() -> None:
    assert commands_of("deploy", "commands: {deploy: {steps: [run: mine]}}") == ["mine"]


def test_commands_jobs_and_executors_may_stand_for_others() -> None:
    result = compiled(
        "orbs:\n  o:\n    commands: {c: {steps: [run: theirs]}}\n"
        "    executors: {e: {machine: true}}\n"
        "commands: {mine: o/c}\nexecutors: {x: o/e}\n"
        "jobs: {build: {executor: x, steps: [mine]}}\n"
    )
    assert result.plan is not None
    assert result.plan.jobs["build"].steps[0].args == {"command": "theirs"}


def test_an_element_cannot_stand_for_itself() -> None:
    assert problem_of_step("a", "commands: {a: b, b: a}") == "The command a stands for itself"


@pytest.mark.parametrize(
    ("steps", "extra", "commands"),
    [
        ("when: {condition: true, steps: [run: a]}", "", ["a"]),
        ("unless: {condition: '', steps: [run: a]}", "", ["a"]),
        ("when: {condition: {equal: [1, '1']}, steps: [run: a]}", "", []),
        ("steps: [run: a, steps: [run: b]]", "", ["a", "b"]),
        ("c: {x: [run: a, checkout]}", "s", ["a", "checkout"]),
        ("c: {x: []}", "s", []),
    ],
)
def test_conditions_and_splices_leave_flat_steps(
    steps: str, extra: str, commands: list[str]
) -> None:
    if extra:
        extra = "commands: {c: {parameters: {x: {type: steps}}, steps: << parameters.x >>}}"
    assert commands_of(steps, extra) == commands


def test_a_list_item_that_is_a_steps_template_is_spliced() -> None:
    extra = "commands: {c: {parameters: {x: {type: steps}}, steps: [<< parameters.x >>, run: z]}}"
    assert commands_of("c: {x: [run: a]}", extra) == ["a", "z"]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("run: {name: x}", "required key [command] not found"),
        ("run: [a]", "expected type: String, found: Sequence"),
        ("{run: a, name: b}", "expected maximum size: 1, found: 2"),
        ("[a]", "expected type: String, found: Sequence"),
        ("7", "expected type: String, found: Integer"),
        ("when: {steps: []}", "required key [condition] not found"),
        ("when: {condition: true}", "required key [steps] not found"),
        ("nosuch", "Cannot find a definition for command named nosuch"),
        ("o/x", "Cannot find orb 'o' looking for command named 'o/x'"),
        ("save_cache", "Missing required argument(s) for step save_cache"),
        ("save_cache: {key: k}", "[save_cache] required key [paths] not found"),
        ("run: {command: x, when: never}", "never is not a valid enum value"),
        ("run: << parameters.x >>", "Arguments referenced without declared parameters"),
        ("run: << matrix.x >>", 'Referred to a variable "matrix.x" that does not exist'),
        ("checkout: {method: partial}", "Unsupported checkout method"),
        ("run: {command: x, background: true, max_auto_reruns: 1}", "not allowed on a background"),
        ("run: {command: x, auto_rerun_delay: 1m}", "auto_rerun_delay needs max_auto_reruns"),
    ],
)
def test_a_wrong_step_is_told(step: str, words: str) -> None:
    result = compiled(f"jobs: {{build: {{machine: true, steps: [{step}]}}}}\n")
    assert result.plan is None
    assert words in "\n".join(problem.message for problem in result.errors)


def test_steps_are_named_as_people_know_them() -> None:
    steps = steps_of(
        "checkout, run: 'make all', run: {name: Named, command: x}, run: \"first\\nsecond\","
        " restore_cache: {key: k}, save_cache: {key: k, paths: [p], when: always},"
        " store_artifacts: {path: p}, store_test_results: {path: p},"
        " persist_to_workspace: {root: ., paths: [p]}, attach_workspace: {at: .},"
        " add_ssh_keys, setup_remote_docker"
    )
    assert [(step.name, step.when.value) for step in steps] == [
        ("Checkout code", "on_success"),
        ("make all", "on_success"),
        ("Named", "on_success"),
        ("first", "on_success"),
        ("Restoring cache", "on_success"),
        ("Saving cache", "always"),
        ("Uploading artifacts", "always"),
        ("Uploading test results", "always"),
        ("Persisting to workspace", "on_success"),
        ("Attaching workspace", "on_success"),
        ("Installing additional ssh keys", "on_success"),
        ("Setup a remote Docker engine", "on_success"),
    ]


def test_an_orb_sees_pipeline_values_but_not_pipeline_parameters() -> None:
    orb = "o: {commands: {a: {steps: [run: << pipeline.number >>]}}}"
    assert commands_of("o/a", f"orbs: {{{orb}}}") == ["7"]
    blind = "o: {commands: {a: {steps: [run: << pipeline.parameters.p >>]}}}"
    declared = "parameters: {p: {type: string, default: x}}"
    result = compiled(
        f"{declared}\norbs: {{{blind}}}\njobs: {{build: {{machine: true, steps: [o/a]}}}}\n"
    )
    (problem,) = result.errors
    assert 'Referred to a variable "pipeline.parameters.p"' in problem.message
    assert problem.hint == "orbs cannot see pipeline parameters; pass the value as an argument"


def test_an_executor_equals_its_definition_and_its_name() -> None:
    text = """
executors:
  one: &one {docker: [image: x]}
  two: {machine: true}
jobs:
  j:
    parameters: {e: {type: executor}}
    executor: << parameters.e >>
    steps:
      - when: {condition: {equal: [*one, << parameters.e >>]}, steps: [run: by definition]}
      - when: {condition: {equal: [one, << parameters.e >>]}, steps: [run: by name]}
      - run: always
workflows: {w: {jobs: [j: {name: a, e: one}, j: {name: b, e: two}]}}
"""
    plan = compiled(text).plan
    assert plan is not None
    assert [len(plan.jobs[name].steps) for name in ("a", "b")] == [3, 1]


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ("steps: [checkout]", 'Job build is missing a required key: "docker", "machine", "macos"'),
        ("executor: nope, steps: [checkout]", "Cannot find a definition for executor named nope"),
        ("executor: 7, steps: [checkout]", "must resolve to an executor name"),
        (
            "docker: [image: x], resource_class: A/b, steps: [checkout]",
            "Invalid format in resource",
        ),
        ("machine: true, circleci_ip_ranges: maybe, steps: []", "must be a boolean"),
        ("macos: {xcode: 12.5}, parallelism: two, steps: []", "parallelism must be an integer"),
    ],
)
def test_a_wrong_job_is_told(job: str, words: str) -> None:
    result = compiled(f"jobs: {{build: {{{job}}}}}\n")
    assert words in "\n".join(problem.message for problem in result.errors)


def test_orbs_of_published_orbs_are_fetched_when_they_are_used() -> None:
    orbs = TextOrbs(
        a__used_v1="orbs: {b: a/b@1, c: a/c@1}\ncommands: {x: {steps: [b/y]}}\n",
        a__b_v1="commands: {y: {steps: [run: deep]}}\n",
    )
    text = "orbs: {u: a/used@1}\njobs: {build: {machine: true, steps: [u/x]}}\n"
    result = compiled(text, orbs)
    assert result.plan is not None, problems(result)
    assert orbs.asked == ["a/used@1", "a/b@1"]
    assert [(o.written, o.nested) for o in result.orb_lock] == [
        ("a/used@1", False),
        ("a/b@1", True),
    ]


def test_a_problem_inside_an_orb_is_placed_in_the_orb() -> None:
    orbs = TextOrbs(a__o_v1="commands:\n  x:\n    steps:\n      - nosuch\n")
    result = compiled("orbs: {o: a/o@1}\njobs: {build: {machine: true, steps: [o/x]}}\n", orbs)
    (problem,) = result.errors
    assert problem.place is not None
    assert (problem.place.file, problem.place.line) == ("a/o@1", 4)
    assert problem.source_line == "      - nosuch"


def test_an_orb_reference_may_come_from_a_parameter() -> None:
    orbs = TextOrbs(a__o_v2="commands: {x: {steps: [run: two]}}\n")
    text = (
        "parameters: {v: {type: string, default: '1'}}\n"
        "orbs: {o: a/o@<< pipeline.parameters.v >>}\n"
        "jobs: {build: {machine: true, steps: [o/x]}}\n"
    )
    assert compiled(text, orbs, parameters={"v": "2"}).plan is not None
    assert problems(compiled(text, orbs)) == [
        "Cannot find a/o@1 in the orb registry."
        " Check that the namespace, orb name and version are correct."
    ]


def test_variables_may_be_given_in_old_forms() -> None:
    plan = compiled(
        "jobs: {build: {machine: true, environment: [A=1, {B: 2}], steps: [checkout]}}\n"
    ).plan
    assert plan is not None
    assert plan.jobs["build"].environment == {"A": "1", "B": "2"}


def test_a_plan_has_everything_that_a_job_says() -> None:
    plan = compiled(
        """
jobs:
  build:
    docker:
      - image: cimg/base:stable
        name: main
        user: root
        entrypoint: [sh, -c]
        command: sleep 5 "a b"
        environment: {A: 1, B: null, C: true}
        auth: {username: u, password: $P}
      - {image: eu.gcr.io/a/b, gcp_auth: {oidc_service_account: $ACCOUNT}}
    shell: /bin/sh -eu
    working_directory: /tmp/x
    parallelism: 3
    resource_class: large
    circleci_ip_ranges: true
    steps: [checkout]
"""
    ).plan
    assert plan is not None
    job = plan.jobs["build"]
    image, service = job.executor.images
    assert service.auth == {"oidc_service_account": "$ACCOUNT"}
    assert (image.entrypoint, image.command) == (("sh", "-c"), ("sleep", "5", "a b"))
    assert image.environment == {"A": "1", "C": "true"}
    assert image.auth == {"username": "u", "password": "$P"}
    assert (job.shell, job.working_directory, job.parallelism) == ("/bin/sh -eu", "/tmp/x", 3)
    assert job.extra == {"circleci_ip_ranges": True}
    assert (job.at and job.at.line) == 5


@pytest.mark.parametrize(
    ("steps", "line", "column"),
    [
        ("      - run: echo << parameters.x >>\n", 6, 19),
        ('      - run: "<< parameters.x >>"\n', 6, 15),
        ("      - run: |\n          one\n          cat <<EOF\n", 8, 15),
        ("      - run:\n          command: 'a << b & c >>'\n", 7, 28),
        ("      - run: >\n          folded << parameters.x >>\n", 6, 14),
    ],
)
def test_a_wrong_template_is_placed_where_it_stands(steps: str, line: int, column: int) -> None:
    result = compiled(f"jobs:\n  build:\n    machine: true\n    steps:\n{steps}")
    (problem,) = result.errors
    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == (line, column)


def test_functions_are_warned_of() -> None:
    result = compiled(
        "functions: {hello: github.com/o/hello@v1.0.0}\n"
        "jobs: {build: {machine: true, steps: [checkout]}}\n"
    )
    (problem,) = result.problems
    assert problem.severity == "warning"
    assert "'functions' has no effect" in problem.message
