"""Every kind of step that a config can have, and who makes it.

What carries archives and reads reports is loaded with the first step that does.
"""

from roundel.backends.protocol import Sandbox
from roundel.domain.plan import StepPlan
from roundel.runner.steps.checkout import checkout_step
from roundel.runner.steps.keeping import Keeper
from roundel.runner.steps.plan import Process, Refusal
from roundel.runner.steps.remote_docker import remote_docker_step
from roundel.runner.steps.run import run_step
from roundel.runner.steps.ssh_keys import ssh_keys_step


async def process_of(step: StepPlan, keeper: Keeper, sandbox: Sandbox) -> Process | Refusal:
    """Return what this step runs.  Raise SandboxLost if the sandbox is gone."""
    order = keeper.order
    if step.kind == "run":
        return run_step(step, order.shell, await sandbox.facts())
    if step.kind == "checkout":
        return await checkout_step(step, keeper, sandbox)
    keeping = _keeping_step(step, keeper, sandbox)
    if keeping is not None:
        return keeping
    if step.kind == "add_ssh_keys":
        return ssh_keys_step(step, order.ssh_keys)
    if step.kind == "setup_remote_docker":
        return remote_docker_step(sandbox.remote_docker)
    return Refusal(why=f'This runner cannot do the step "{step.kind}" yet.')


def _keeping_step(step: StepPlan, keeper: Keeper, sandbox: Sandbox) -> Process | Refusal | None:
    """Return what a step runs that gives to the store, or takes from it; None for another one."""
    match step.kind:
        case "restore_cache" | "save_cache":
            from roundel.runner.steps import caches

            restores = step.kind == "restore_cache"
            make = caches.restore_cache_step if restores else caches.save_cache_step
        case "attach_workspace" | "persist_to_workspace":
            from roundel.runner.steps import workspaces

            attaches = step.kind == "attach_workspace"
            make = workspaces.attach_step if attaches else workspaces.persist_step
        case "store_artifacts":
            from roundel.runner.steps.artifacts import store_artifacts_step as make
        case "store_test_results":
            from roundel.runner.steps.artifacts import store_test_results_step as make
        case _:
            return None
    return make(step, keeper, sandbox)
