"""Every kind of step that a config can have, and who makes it."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from roundel.backends.protocol import Sandbox
from roundel.domain.plan import StepPlan
from roundel.runner.steps.artifacts import store_artifacts_step, store_test_results_step
from roundel.runner.steps.caches import restore_cache_step, save_cache_step
from roundel.runner.steps.checkout import checkout_step
from roundel.runner.steps.keeping import Keeper
from roundel.runner.steps.plan import Process, Refusal
from roundel.runner.steps.remote_docker import remote_docker_step
from roundel.runner.steps.run import run_step
from roundel.runner.steps.ssh_keys import ssh_keys_step
from roundel.runner.steps.workspaces import attach_step, persist_step

_Keeping: TypeAlias = Callable[[StepPlan, Keeper, Sandbox], Process | Refusal]
_KEEPING: Mapping[str, _Keeping] = {
    "attach_workspace": attach_step,
    "persist_to_workspace": persist_step,
    "restore_cache": restore_cache_step,
    "save_cache": save_cache_step,
    "store_artifacts": store_artifacts_step,
    "store_test_results": store_test_results_step,
}


async def process_of(step: StepPlan, keeper: Keeper, sandbox: Sandbox) -> Process | Refusal:
    """Return what this step runs.  Raise SandboxLost if the sandbox is gone."""
    order = keeper.order
    if step.kind == "run":
        return run_step(step, order.shell, await sandbox.facts())
    if step.kind == "checkout":
        return await checkout_step(step, order.checkout, sandbox)
    if step.kind in _KEEPING:
        return _KEEPING[step.kind](step, keeper, sandbox)
    if step.kind == "add_ssh_keys":
        return ssh_keys_step(step, order.ssh_keys)
    if step.kind == "setup_remote_docker":
        return remote_docker_step(sandbox.remote_docker)
    return Refusal(why=f'This runner cannot do the step "{step.kind}" yet.')
