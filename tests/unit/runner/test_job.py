"""What becomes of one job, seen from the server."""

import time

from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import StepPlan, When
from tests.fake_server import a_step, an_order, in_shell

OK, FAILED = ExecutionStatus.SUCCESS, ExecutionStatus.FAILED


async def test_a_job_begins_with_its_environment_and_its_variables(run_job):
    told = await run_job(an_order("echo hi", environment={"CI": "true", "PLAIN": "value"}))
    names = [report.name for report in told.reports.values()]
    assert names == ["Spin up environment", "Preparing environment variables", "echo hi"]
    assert told.result.status is OK
    assert told.output(2) == "hi\n"
    assert "cimg/base:stable" in told.output(0)
    assert "CI=true" in told.output(1)
    assert "PLAIN=**REDACTED**" in told.output(1)
    assert "value" not in told.output(1)


async def test_a_failing_step_fails_the_job_and_only_on_fail_and_always_follow(run_job):
    told = await run_job(
        an_order(
            "true",
            "exit 3",
            "echo never",
            a_step("echo on_fail", when=When.ON_FAIL),
            a_step("echo always", when=When.ALWAYS),
        )
    )
    assert told.steps() == [
        ("true", "success"),
        ("exit 3", "failed"),
        ("echo on_fail", "success"),
        ("echo always", "success"),
    ]
    assert told.reports[3].exit_code == 3
    assert told.result.status is FAILED
    assert "exit 3" in told.result.message


async def test_bash_env_carries_variables_from_step_to_step(run_job):
    told = await run_job(
        an_order("""echo 'export COLOUR="deep blue"' >> "$BASH_ENV" """, "echo $COLOUR")
    )
    assert told.output(3) == "deep blue\n"


async def test_a_value_reaches_the_step_as_it_is(run_job):
    value = 'it\'s $HOME `id` "quoted" \\ and\ntwo lines é'
    told = await run_job(
        an_order(a_step('printf %s "$A$B"', environment={"B": 7}), environment={"A": value})
    )
    assert told.output(2) == value + "7"


async def test_directories_are_relative_to_the_job_and_know_the_home(run_job):
    told = await run_job(
        an_order(
            "mkdir sub; pwd",
            a_step("pwd", working_directory="sub"),
            a_step("pwd", working_directory="~"),
            a_step("pwd", working_directory="/usr"),
            "echo $HOME",
            working_directory="~/some/place",
        )
    )
    home = told.output(6).strip()
    assert told.output(2) == f"{home}/some/place\n"
    assert told.output(3) == f"{home}/some/place/sub\n"
    assert told.output(4) == f"{home}\n"
    assert told.output(5) == "/usr\n"


async def test_a_missing_directory_or_shell_is_told_in_the_output(run_job):
    told = await run_job(an_order(a_step("pwd", working_directory="nowhere")))
    assert 'working directory "nowhere" of this step does not exist' in told.output(2)
    assert told.result.status is FAILED
    told = await run_job(an_order(in_shell("/bin/nosuch -e", "pwd")))
    assert 'The shell "/bin/nosuch" is not in this image' in told.output(2)
    assert told.result.status is FAILED


async def test_shells_are_what_the_step_the_job_or_the_default_says(run_job):
    told = await run_job(
        an_order(
            a_step("false | true", when=When.ALWAYS),
            in_shell("/bin/sh -e", "false | true"),
            in_shell("/usr/bin/env python3", "import os; print(6 * 7)"),
            in_shell("bash -c", "echo $0"),
        )
    )
    assert [status for _, status in told.steps()] == ["failed", "success", "success", "success"]
    assert told.output(4) == "42\n"


async def test_a_silent_step_is_stopped_and_the_job_is_timed_out(run_job):
    told = await run_job(
        an_order(
            a_step("echo first; sleep 600", no_output_timeout="200ms"),
            "echo never",
            a_step("echo always", when=When.ALWAYS),
        )
    )
    assert told.steps() == [
        ("echo first; sleep 600", "timedout"),
        ("echo always", "success"),
    ]
    expected = "Too long with no output (exceeded 200ms): context deadline exceeded"
    assert told.output(2) == f"first\n\n{expected}\n"
    assert told.reports[2].message == expected
    assert told.result.status is ExecutionStatus.TIMEDOUT


async def test_a_step_is_tried_again_until_it_succeeds(run_job):
    step = a_step(
        "echo x >> tries; test $(wc -l < tries) -ge 3", max_auto_reruns=3, auto_rerun_delay="1ms"
    )
    told = await run_job(an_order(step))
    assert [status for _, status in told.steps()] == ["failed", "failed", "success"]
    assert told.result.status is OK


async def test_a_background_step_runs_beside_the_others_and_dies_with_the_job(run_job):
    told = await run_job(
        an_order(
            a_step("echo up; echo $$ > pid; sleep 600", background=True, name="server"),
            "until [ -s pid ]; do sleep 0.01; done; kill -0 $(cat pid) && echo alive",
        )
    )
    assert told.output(2) == "up\n"
    assert told.output(3) == "alive\n"
    assert told.reports[2].background
    assert told.steps()[0] == ("server", "success")
    assert told.result.status is OK


async def test_halt_ends_the_job_with_success(run_job):
    for program in ("circleci", "circleci-agent"):
        told = await run_job(
            an_order(f"{program} step halt; echo on", a_step("exit 1", when=When.ALWAYS))
        )
        assert told.output(2) == "on\n"
        assert len(told.steps()) == 1
        assert told.result.status is OK


async def test_secrets_are_masked_in_output_names_and_messages(run_job):
    secret = "hunter2-and-more"
    told = await run_job(
        an_order(
            a_step("echo $KEY; echo -n $KEY | base64", name=f"say {secret}"),
            environment={"KEY": secret},
            masks=[secret],
        )
    )
    assert told.output(2) == "****\n****=\n" or secret not in told.log()
    assert "aHVudGVy" not in told.log()
    assert told.reports[2].name == "say ****"


async def test_a_step_that_is_not_there_yet_says_so(run_job):
    step = StepPlan(kind="with_tool_cache", name="Tool cache", args={})
    told = await run_job(an_order(step))
    assert told.output(2) == 'This runner cannot do the step "with_tool_cache" yet.\n'
    assert told.result.status is FAILED


async def test_a_job_past_its_limit_is_timed_out_and_nothing_follows(run_job):
    told = await run_job(
        an_order("sleep 600", a_step("echo always", when=When.ALWAYS), time_limit_seconds=0.2)
    )
    assert told.steps() == [("sleep 600", "timedout")]
    assert told.result.status is ExecutionStatus.TIMEDOUT
    assert "longer than its limit of 200ms" in told.result.message


async def test_a_canceled_job_ends_soon_even_if_it_ignores_the_polite_way(run_job, server):
    told = server.submit(an_order("trap '' TERM; echo up; sleep 600 & wait; sleep 600"))
    await told.until_log_has("up")
    before = time.monotonic()
    told.cancel.set()
    await told.ended.wait()
    assert time.monotonic() - before < 10
    assert told.result.status is ExecutionStatus.CANCELED
    assert [status for _, status in told.steps()] == ["canceled"]


async def test_a_trivial_job_costs_few_calls(run_job, server):
    await run_job(an_order("echo hi"))
    counted = [call for call in server.calls if call not in {"claim", "called", "renew", "settle"}]
    assert len(counted) <= 4
