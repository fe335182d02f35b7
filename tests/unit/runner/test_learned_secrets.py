"""What a job learns from its runner is hidden, also by a runner that comes after."""

from roundel.backends.folder import JobFolder
from roundel.domain.jobs import ExecutionStatus
from roundel.vault.masking import Forms, Masker
from tests.fake_server import an_order
from tests.unit.runner.conftest import a_runner, world_of


def test_secrets_that_come_later_are_hidden_from_then_on():
    forms = Forms(["first-secret"])
    masker = Masker(forms)
    shown = masker.feed(b"first-secret second-secret ")
    forms.add("second-secret")
    shown += masker.feed(b"first-secret second-sec") + masker.feed(b"ret") + masker.flush()
    assert shown == b"**** second-secret **** ****"


async def test_a_token_is_hidden_in_the_output_of_the_step_that_asked(run_job):
    told = await run_job(an_order("circleci run oidc get", "circleci run oidc get | base64"))
    assert told.result.status is ExecutionStatus.SUCCESS, told.log()
    assert told.output(2) == "****\n"
    assert "****" in told.output(3)


async def test_a_runner_that_adopts_the_job_hides_it_as_well(server, tmp_path):
    order = an_order(
        "circleci run oidc get >~/token; echo asked; until [ -e ~/go-on ]; do sleep 0.02; done;"
        " cat ~/token"
    )
    told = server.submit(order)
    async with a_runner(server, tmp_path / "runner"):
        await told.until_log_has("asked")
    home = world_of(tmp_path / "runner", order) / "home"
    files = JobFolder(
        tmp_path / "runner" / "jobs" / order.lease.execution_id, order.lease.execution_id
    )
    assert len(files.remembered_secrets()) == 1
    async with a_runner(server, tmp_path / "runner"):
        (home / "go-on").touch()
        await told.ended.wait()
    assert told.output(2) == "asked\n****\n", told.log()
    assert files.remembered_secrets() == []
