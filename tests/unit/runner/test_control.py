"""What decides whether steps run, and what a job becomes."""

from dataclasses import replace

from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import When
from tests.fake_server import a_step, an_order, in_shell

OK, FAILED = ExecutionStatus.SUCCESS, ExecutionStatus.FAILED


async def test_a_background_step_that_fails_does_not_fail_the_job(run_job):
    told = await run_job(
        an_order(
            a_step("echo gone > mark; exit 3", background=True, name="server"),
            "until [ -s mark ]; do sleep 0.01; done; sleep 0.1",
        )
    )
    assert told.result.status is OK
    assert told.reports[2].exit_code == 3


async def test_halt_does_not_rescue_a_job_that_has_failed(run_job):
    told = await run_job(
        an_order("exit 1", a_step("circleci step halt", when=When.ALWAYS), a_step("echo never"))
    )
    assert told.result.status is FAILED
    assert [name for name, _ in told.steps()] == ["exit 1", "circleci step halt"]


async def test_a_step_that_fails_at_every_try_fails_the_job(run_job):
    told = await run_job(an_order(a_step("exit 2", max_auto_reruns=2, auto_rerun_delay="1ms")))
    assert [status for _, status in told.steps()] == ["failed"] * 3
    assert told.result.status is FAILED


async def test_exit_137_alone_is_a_failure_like_any_other(run_job):
    told = await run_job(an_order("exit 137"))
    assert told.reports[2].exit_code == 137
    assert told.result.message == 'Step "exit 137" failed: exit code 137'


async def test_the_shell_of_the_job_is_that_of_steps_without_one(run_job):
    order = an_order("false | true; echo on", in_shell("bash", "echo $0"))
    told = await run_job(replace(order, shell="/bin/sh -e"))
    assert told.output(2) == "on\n"
    assert told.reports[2].command.startswith("#!/bin/sh -e\n")
    assert told.reports[3].command == "#!bash\necho $0"


async def test_a_step_shows_the_default_shell_above_its_command(run_job):
    told = await run_job(an_order("echo hi"))
    assert told.reports[2].command == "#!/bin/bash -eo pipefail\necho hi"


async def test_nothing_waits_for_a_pager(run_job):
    told = await run_job(an_order("echo $PAGER $GIT_PAGER; test -t 1 || echo no terminal"))
    assert told.output(2) == "cat cat\nno terminal\n"


async def test_a_working_directory_that_cannot_be_made_fails_the_job(run_job):
    told = await run_job(an_order("pwd", working_directory="/proc/nowhere/at/all"))
    assert told.result.status is FAILED
    assert 'Cannot make the working directory "/proc/nowhere/at/all"' in told.output(2)


async def test_after_a_cancellation_no_step_runs(run_job, server):
    told = server.submit(an_order("echo up; sleep 600", a_step("echo never", when=When.ALWAYS)))
    await told.until_log_has("up")
    told.cancel.set()
    await told.ended.wait()
    assert told.steps() == [("echo up; sleep 600", "canceled")]
    assert told.result.status is ExecutionStatus.CANCELED


async def test_the_first_failure_is_the_one_that_is_told(run_job):
    told = await run_job(an_order("exit 4", a_step("exit 5", when=When.ON_FAIL)))
    assert told.result.message == 'Step "exit 4" failed: exit code 4'


async def test_each_step_is_a_new_shell(run_job):
    told = await run_job(an_order("A=1; export B=2; cd /", 'echo "${A-}${B-}$(pwd)"'))
    assert told.output(3).endswith("/project\n")
    assert told.output(3)[0] == "/"


async def test_after_the_jobs_time_no_step_runs(run_job):
    order = an_order("sleep 600", a_step("echo never", when=When.ALWAYS), time_limit_seconds=0.3)
    told = await run_job(order)
    assert [name for name, _ in told.steps()] == ["sleep 600"]
    assert told.result.status is ExecutionStatus.TIMEDOUT


async def test_a_name_that_no_shell_can_hold_is_left_out_and_named(run_job):
    told = await run_job(an_order("env", environment={"NOT-A-NAME": "x", "A_NAME": "y"}))
    assert "no shell can hold these names: NOT-A-NAME\n" in told.output(1)
    assert "NOT-A-NAME" not in told.output(2)
    assert "A_NAME=y\n" in told.output(2)
